"""A timer, and a deadline, comes when it is due and not before.  That it comes once is ``outcome``'s."""

from streams.core.durations import instant_text
from weir.verify.seen import ENDS_OF_TIMERS, Seen

TYPES = ENDS_OF_TIMERS | {"task_reminded", "task_escalated"}
MOMENTS = {"task_reminded": "remind_at", "task_escalated": "escalate_at"}
"""Where an open task has the moment of an event."""


def check(seen: Seen) -> str | None:
    """An action that failed by an answer is no timer."""
    if seen.event.type in MOMENTS:
        return _of_task(seen)
    event, due = seen.event, seen.due_ms
    if due is None or seen.time_ms >= due:
        return None
    return (
        f"time: expected {event.type} of {event.activity_id!r} at {instant_text(due)} or later, when it is due, "
        f"but the log has {instant_text(seen.time_ms)}"
    )


def _of_task(seen: Seen) -> str | None:
    event, instance = seen.event, seen.instance
    task = None if instance is None else instance.tasks.get(event.data["execution"])
    if task is None:
        return None  # the fold tells
    due = getattr(task, MOMENTS[event.type])
    if due is None or seen.time_ms < due:
        when = "never" if due is None else f"at {instant_text(due)} or later"
        return f"time: expected {event.type} {when}, but the log has {instant_text(seen.time_ms)}"
    return None
