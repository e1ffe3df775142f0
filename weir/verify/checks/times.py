"""Time does not go back within an entity."""

from streams.core.durations import instant_text
from streams.core.state import Finished
from weir.verify.seen import Seen


def check(seen: Seen) -> str | None:
    """An event is never earlier than the one before it."""
    before = seen.before
    if before is None or isinstance(before, Finished) or seen.time_ms >= before.updated_at:
        return None
    return (
        f"time: expected {instant_text(before.updated_at)} or later, as of the event before, but the log has "
        f"{instant_text(seen.time_ms)}"
    )
