"""Every way leads to an activity, and none back to the start."""

from streams.core.activities import Start
from streams.core.report import Report
from streams.core.suggest import suggest
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Fields such as ``next`` and ``true_path``."""
    starts = [(raw, one) for raw, one in parts.activities if isinstance(one, Start)]
    for raw, one in starts[1:]:
        report.add(raw.steps, f"Expected one activity of type start, but {one.id!r} is another", "Remove one of them")
    for raw, activity in parts.activities:
        for field, target in activity.targets().items():
            if target is not None and target not in parts.ids:
                report.add(
                    (*raw.steps, field), f"Unknown activity {target!r}", suggest(target, sorted(parts.ids), "activity")
                )
            elif target is not None and any(target == start.id for _, start in starts):
                report.add((*raw.steps, field), f"Nothing leads back to {target!r}", "Name the activity after it")
