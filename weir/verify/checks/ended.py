"""Nothing happens to an instance that has ended; a failed one may still be cancelled."""

from streams.core.state import Finished, Instance
from weir.verify.seen import Seen

AFTER_FAILED = frozenset({"cancelled"})


def check(seen: Seen) -> str | None:
    """Expect nothing behind an end."""
    before, event = seen.before, seen.event
    if isinstance(before, Finished) or (
        isinstance(before, Instance) and before.status == "failed" and event.type not in AFTER_FAILED
    ):
        return f"type: expected nothing after {before.status} (seq {before.seq}), but the log has {event.type}"
    return None
