"""An instance begins in the partition that its id names."""

from streams.core.ids import partition_of
from weir.verify.seen import Seen

TYPES = frozenset({"started"})


def check(seen: Seen) -> str | None:
    """Its later events stand where it began, or they do not follow anything."""
    home = partition_of(seen.event.subject)
    return None if home == seen.partition else f"partition: expected {home}, as the id says, but got {seen.partition}"
