"""The records of a partition's table: what they must be, and what differs from those in the changelog."""

from collections.abc import Mapping
from typing import NamedTuple

from streams.codec import encode_entity
from streams.folding import Fold
from streams.transport.contents import position_key


class Difference(NamedTuple):
    """What turns one table into another; ``None`` removes a record.  ``repaired`` records were missing or other than
    they must be, ``removed`` ones must not be there.
    """

    changes: dict[bytes, bytes | None]
    repaired: int
    removed: int


def records_of(fold: Fold, commands_topic: str, position: int | None) -> dict[bytes, bytes]:
    """The table that follows from the log; without soft records, which start empty."""
    records = {entity_id.encode(): encode_entity(entity) for entity_id, entity in fold.entities.items()}
    if position is not None:
        records[position_key(commands_topic)] = b"%d" % position
    return records


def difference(wanted: Mapping[bytes, bytes], found: Mapping[bytes, bytes]) -> Difference:
    """What must be written over ``found``, so that the changelog folds to ``wanted``."""
    changes: dict[bytes, bytes | None] = {key: value for key, value in wanted.items() if found.get(key) != value}
    repaired = len(changes)
    changes.update(dict.fromkeys(found.keys() - wanted.keys()))
    return Difference(changes, repaired, len(changes) - repaired)
