"""``process-audit`` → what the gateway was asked to do.

A record that is none is refused: the projection goes on, and a dead letter tells.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from projections.errors import UpgradeNeededError
from projections.feeds.base import Decoded, Feed, place
from projections.records import Refused
from streams.audit import VERSION, AuditRecord, decode_audit
from streams.core.clock import PlantClock
from streams.records import Record
from streams.transport.port import TopicPartition


class Audited(NamedTuple):
    """A record, its instance's id as the UUID's 16 bytes, and where it stands."""

    record: AuditRecord
    instance: bytes | None
    topic: str
    partition: int
    offset: int


def decode(tp: TopicPartition, records: Sequence[Record], _clock: PlantClock) -> Decoded:
    """``Audited`` in order, and what is none.  Raises ``UpgradeNeededError``."""
    decoded = Decoded()
    for record in records:
        try:
            found = decode_audit(record.value or b"")
            instance = None if found.instance_id is None else UUID(found.instance_id).bytes
            if found.time.tzinfo is None:
                raise ValueError("Expected a time with its offset")
        except (msgspec.MsgspecError, ValueError) as error:
            decoded.refused.append(Refused(record, f"Expected a record of the gateway's audit, but got: {error}"))
            continue
        if found.v > VERSION:
            raise UpgradeNeededError(f"{place(tp, record)}: has format v{found.v}: upgrade")
        decoded.items.append(Audited(found, instance, tp.topic, tp.partition, record.offset))
        decoded.records.append(record)
    return decoded


FEED = Feed("audit", truth=False, decode=decode)
