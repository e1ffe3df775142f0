"""Only an action that a worker performs has a result."""

from streams.core.actions import ACTIONS
from streams.core.activities import Service
from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Of another the event is the effect: a variable of its ``output`` would never be there."""
    for raw, activity in parts.activities:
        if isinstance(activity, Service) and activity.output and ACTIONS[activity.action].inline:
            message = f"Expected no 'output': the action {activity.action!r} has no result"
            report.add((*raw.steps, "output"), message, "Remove it", key=True)
