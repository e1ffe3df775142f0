"""What a ``compensate`` undoes is an activity with a compensation."""

from streams.core.activities import Compensate, Continuing
from streams.core.report import Report
from streams.core.suggest import suggest
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Where it names one; without, it undoes all that there is."""
    known = {one.id: one for _, one in parts.activities}
    undone = sorted(name for name, one in known.items() if isinstance(one, Continuing) and one.compensation)
    for raw, activity in parts.activities:
        if not isinstance(activity, Compensate) or activity.activity in undone:
            continue
        if activity.activity is None:
            if not undone:
                message = "Nothing is there to undo: no activity has a 'compensation'"
                report.add(raw.steps, message, "Write one, or remove this activity", severity="warning")
        elif activity.activity in known:
            message = f"Expected an activity with a 'compensation', but {activity.activity!r} has none"
            report.add((*raw.steps, "activity"), message, suggest(activity.activity, undone, "activity with one"))
        else:
            message = f"Unknown activity {activity.activity!r}"
            report.add((*raw.steps, "activity"), message, suggest(activity.activity, undone, "activity with one"))
