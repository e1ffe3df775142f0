"""What became of a notice is recorded once, and only of one that was asked for."""

from weir.verify.seen import Seen

TYPES = frozenset({"notice_sent", "notice_failed"})


def check(seen: Seen) -> str | None:
    """The notice is open, or is 0: it could not be rendered, and so nobody was asked."""
    event, instance = seen.event, seen.instance
    notice = event.data.get("notice")
    if instance is None or notice in instance.notices or (notice == 0 and event.type == "notice_failed"):
        return None  # `sequence` and `ended` tell of the former
    return (
        f"notice: expected what became of an open one, but {notice} is not: {event.type} is its second, or nobody asked"
    )
