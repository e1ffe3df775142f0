"""What one command puts into the batch's transaction, encoded as a whole before any of it is given away."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, get_args

import orjson

from streams.codec import encode_entity, encode_event, encode_json
from streams.core.durations import instant_text
from streams.core.events import EventType
from streams.core.state import latest_record
from streams.core.turn import Rejection, Turn
from streams.topics import Topics

REJECTION_VERSION = 1
DEFINITIONS_PARTITION = 0
_CE_TYPE = {name: [("ce_type", name.encode())] for name in get_args(EventType)}

Headers = Sequence[tuple[str, bytes]]
Output = tuple[str, int, bytes | None, bytes | None, Headers]
"""(topic, partition, key, value, headers)"""


class Transaction(Protocol):
    """What a batch writes, all or nothing: the partition's table, and records for any topic."""

    def get(self, key: bytes) -> bytes | None:
        """The table's value, with what this transaction has written so far."""

    def __setitem__(self, key: bytes, value: bytes) -> None: ...

    def __delitem__(self, key: bytes) -> None: ...

    def send(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Add a record to the transaction."""


@dataclass(slots=True)
class Staged:
    """The outputs and table writes (``None`` deletes) of one command."""

    outputs: list[Output] = field(default_factory=list)
    writes: list[tuple[bytes, bytes | None]] = field(default_factory=list)

    def commit_to(self, txn: Transaction) -> None:
        """Hand everything to the transaction."""
        for output in self.outputs:
            txn.send(*output)
        for key, value in self.writes:
            if value is None:
                del txn[key]
            else:
                txn[key] = value


def stage_turn(turn: Turn, topics: Topics) -> Staged:
    """Events, entities, soft records and a deployed definition of a turn.  Raises ``LimitError``."""
    partition = turn.around.partition
    topic = topics.events.name
    outputs: list[Output] = [
        (topic, partition, event.subject.encode(), encode_event(event), _CE_TYPE[event.type]) for event in turn.events
    ]
    if (deployed := turn.deployed) is not None:
        key = f"{deployed['id']}:{deployed['version']}".encode()
        outputs.append((topics.definitions.name, DEFINITIONS_PARTITION, key, encode_json(deployed), ()))
    writes: list[tuple[bytes, bytes | None]] = [
        (entity_id.encode(), None if entity is None else encode_entity(entity))
        for entity_id, entity in turn.entities.changed.items()
    ]
    writes.extend(
        (latest_record(*name).encode(), None if reading is None else orjson.dumps(reading))
        for name, reading in turn.readings.items()
    )
    return Staged(outputs, writes)


def stage_rejection(
    rejection: Rejection,
    topics: Topics,
    command: tuple[str | None, str],
    source: tuple[int, int, bytes | None],
    now_ms: int,
) -> Staged:
    """The record of a refused command: ``command`` is its (id, type), ``source`` its (partition, offset, key)."""
    partition, offset, key = source
    value = {
        "v": REJECTION_VERSION,
        "command_id": command[0],
        "partition": partition,
        "offset": offset,
        "reason": rejection.reason,
        "message": rejection.message,
        "command_type": command[1],
        "subject": rejection.subject,
        "time": instant_text(now_ms),
    }
    headers = [("weir_reason", rejection.reason.encode())]
    return Staged([(topics.rejections.name, partition, key, encode_json(value), headers)])
