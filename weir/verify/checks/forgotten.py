"""A key or a correlation key is forgotten when it holds nothing: nobody who waits or runs, nothing that is kept."""

from streams.core.due import idle_from
from streams.core.durations import instant_text
from streams.core.mailbox import Mailbox
from streams.core.state import Key
from weir.verify.seen import Seen

TYPES = frozenset({"key_forgotten", "mailbox_forgotten"})


def check(seen: Seen) -> str | None:
    """What it held before."""
    before = seen.before
    if not isinstance(before, Key | Mailbox):
        return f"type: expected something to forget, but there is no {seen.event.subject}"
    kept = before.messages if isinstance(before, Mailbox) else before.signals
    idle_ms = idle_from(before)
    if idle_ms is None or kept:
        return f"type: expected {seen.event.subject} to be kept, since somebody waits there, or something does"
    if idle_ms > seen.time_ms:
        return f"time: expected {seen.event.subject} to be kept until {instant_text(idle_ms)}"
    return None
