"""``seq`` counts an entity's events from 1, without a gap and without a repeat."""

from streams.core.state import Finished
from weir.verify.seen import Seen


def check(seen: Seen) -> str | None:
    """What comes after the end is ``ended``'s."""
    last, got = seen.last_seq, seen.event.seq
    if got == last + 1 or isinstance(seen.before, Finished):
        return None
    what = "a repeat" if got <= last else f"a gap of {got - last - 1}"
    return f"seq: expected {last + 1} after {last}, but the log has {got} ({seen.event.type}): {what}"
