"""``process-definitions`` → deployed versions of definitions."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from projections.errors import BrokenRecordError, UpgradeNeededError
from projections.feeds.base import Decoded, Feed, place
from streams.core.clock import PlantClock
from streams.records import Record
from streams.transport.port import TopicPartition

VERSION = 1


class Definition(msgspec.Struct):
    """One deployed version; ``definition`` stays JSON, ``deployed_at`` is plant time."""

    v: int
    id: str
    version: int
    hash: str
    name: str
    definition: msgspec.Raw
    deployed_at: datetime


_decoder = msgspec.json.Decoder(Definition)


def decode(tp: TopicPartition, records: Sequence[Record], _clock: PlantClock) -> Decoded:
    """Definitions, in order.  Raises ``BrokenRecordError``, ``UpgradeNeededError``."""
    decoded = Decoded()
    for record in records:
        try:
            definition = _decoder.decode(record.value or b"")
        except msgspec.MsgspecError as error:
            raise BrokenRecordError(
                f"{place(tp, record)}: Expected a definition, but got {(record.value or b'')[:200]!r}: {error}. Was it "
                "written by something else than the processor, or by a newer Weir? Definitions are never skipped"
            ) from error
        if definition.v > VERSION:
            raise UpgradeNeededError(
                f"{place(tp, record)}: {definition.id!r} has format v{definition.v}: upgrade this Weir to read it"
            )
        decoded.items.append(definition)
        decoded.records.append(record)
    return decoded


FEED = Feed("definitions", truth=True, decode=decode)
