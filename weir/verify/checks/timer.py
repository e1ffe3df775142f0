"""A timer, and the deadline of an action, comes when it is due and not before.  That it comes once is ``outcome``'s."""

from streams.core.durations import instant_text
from weir.verify.seen import Seen

TYPES = frozenset({"timer_fired", "activity_failed"})


def check(seen: Seen) -> str | None:
    """An action that failed by an answer is no timer."""
    event, wait = seen.event, seen.wait
    if wait is None or wait.due is None or seen.time_ms >= wait.due:
        return None
    if event.type == "activity_failed" and not event.cause.endswith(":timer"):
        return None
    return (
        f"time: expected {event.type} of {event.activity_id!r} at {instant_text(wait.due)} or later, when it is due, "
        f"but the log has {instant_text(seen.time_ms)}"
    )
