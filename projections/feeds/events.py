"""``process-events`` → events of instances, ``data`` undecoded.

Events of other entities concern no table.  An event of a type that this program does not know may
change what a row must say, so it stops the projector as a higher format version does.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from projections.errors import BrokenRecordError, UpgradeNeededError
from projections.feeds.base import Decoded, Feed, place
from streams.codec import UpgradeError, decode_event_head
from streams.core.clock import PlantClock
from streams.core.events import EVENT_TYPES, OUTSIDE, EventHead
from streams.records import Record
from streams.transport.port import TopicPartition

UUID_BYTES = 16


class InstanceEvent(NamedTuple):
    """An event and its instance's id as the UUID's 16 bytes."""

    instance: bytes
    event: EventHead


def instance_of(subject: str) -> bytes | None:
    """The UUID of the instance that ``subject`` names; ``None`` for what is none.  Raises ``ValueError``."""
    if subject.startswith(OUTSIDE):
        return None
    instance = bytes.fromhex(subject.replace("-", ""))  # a twentieth of what UUID(subject) takes
    if len(instance) != UUID_BYTES:
        raise ValueError(f"Expected the id of an instance, but got {subject!r}")
    return instance


def decode(tp: TopicPartition, records: Sequence[Record], _clock: PlantClock) -> Decoded:
    """Events of instances, in order.  Raises ``BrokenRecordError``, ``UpgradeNeededError``."""
    decoded = Decoded()
    subject, instance = "", None
    for record in records:
        try:
            event = decode_event_head(record.value or b"")
            if event.subject != subject:  # the events of one command follow each other
                instance = instance_of(event.subject)
                subject = event.subject
        except UpgradeError as error:
            raise UpgradeNeededError(f"{place(tp, record)}: {error}") from None
        except (msgspec.MsgspecError, ValueError) as error:
            raise BrokenRecordError(
                f"{place(tp, record)}: Expected an event, but got {(record.value or b'')[:200]!r}: {error}. Was it "
                "written by something else than the processor, or by a newer Weir? Events are never skipped"
            ) from error
        if event.type not in EVENT_TYPES:
            raise UpgradeNeededError(
                f"{place(tp, record)}: Expected an event type that this Weir knows, but got {event.type!r}: upgrade it"
            )
        if instance is not None:
            decoded.items.append(InstanceEvent(instance, event))
            decoded.records.append(record)
    return decoded


FEED = Feed("events", truth=True, decode=decode)
