"""Nothing happens to an instance that has ended, and nothing moves in one that is broken or suspended."""

from streams.core.state import Finished, Instance
from weir.verify.seen import Seen

_BY_OPERATORS = frozenset({"cancelled", "task_cancelled", "variable_changed", "migrated", "input_held"})
_BESIDE = frozenset({"notice_sent", "notice_failed"})
MAY_FOLLOW = {
    "failed": _BY_OPERATORS | _BESIDE | {"retried", "retry_queued", "retry_refused"},
    "timeout": _BY_OPERATORS | _BESIDE | {"retried", "retry_queued", "retry_refused"},
    "suspended": _BY_OPERATORS | _BESIDE | {"resumed", "signal_received"},
}


def check(seen: Seen) -> str | None:
    """Expect nothing behind an end."""
    before, event = seen.before, seen.event
    if isinstance(before, Finished) or (
        isinstance(before, Instance) and before.status in MAY_FOLLOW and event.type not in MAY_FOLLOW[before.status]
    ):
        return f"type: expected nothing after {before.status} (seq {before.seq}), but the log has {event.type}"
    return None
