"""What one command puts into the batch's transaction, encoded as a whole before any of it is given away."""

from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import orjson

from streams.codec import encode_command, encode_entity, encode_event, encode_json, encode_window
from streams.core.commands import TopicCommand
from streams.core.decide import command_key, home_of
from streams.core.decide.published import record_key
from streams.core.durations import instant_text
from streams.core.events import EVENT_TYPES
from streams.core.turn import Rejection, Surroundings, Turn
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import DeadLetter
from streams.records import Headers, Record
from streams.topics import Topics

ROLE = "processor"
HOPS_HEADER = "weir_hops"
MAX_HOPS_DIGITS = 4
FROM_HEADER = "weir_from"
"""``<partition>:<offset>`` of the record that was forwarded: all that the log tells of its having been processed."""
FOLLOW_UP_HEADER = "weir_follow_up"
"""On a command that the processor has sent, with the command's id."""
REJECTION_VERSION = 1
DEFINITIONS_PARTITION = 0
_CE_TYPE = {name: [("ce_type", name.encode())] for name in EVENT_TYPES}

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
    """Events, entities, soft records, follow-ups and definitions of a turn.  Raises ``LimitError``."""
    partition = turn.around.partition
    topic = topics.events.name
    outputs: list[Output] = [
        (topic, partition, event.subject.encode(), encode_event(event), _CE_TYPE[event.type]) for event in turn.events
    ]
    for record in turn.published:
        key = record_key(record).encode()
        outputs.append((topics.definitions.name, DEFINITIONS_PARTITION, key, encode_json(record), ()))
    if turn.follow_ups:
        outputs += [_follow_up(command, turn.around, topics) for command in turn.follow_ups]
    writes: list[tuple[bytes, bytes | None]] = [
        (entity_id.encode(), None if entity is None else encode_entity(entity))
        for entity_id, entity in turn.entities.changed.items()
    ]
    if turn.windows.changed:
        writes += [
            (record.encode(), None if window is None else encode_window(window))
            for record, window in turn.windows.changed.items()
        ]
    for feed, reading in turn.readings.items():
        writes.append((feed.record.encode(), None if reading is None else orjson.dumps(reading)))
    return Staged(outputs, writes)


def _follow_up(command: TopicCommand, around: Surroundings, topics: Topics) -> Output:
    """The record of a command that a turn leads to, in the partition where it belongs."""
    home = home_of(command, around.partitions)
    partition = around.partition if home is None else home
    key = command_key(command) or ""
    headers = [(FOLLOW_UP_HEADER, (command.id or "").encode())]
    return topics.commands.name, partition, key.encode(), encode_command(command), headers


@dataclass(frozen=True, slots=True)
class Source:
    """The record of a command, and the partition of ``process-commands`` that it stands in."""

    record: Record
    partition: int
    topics: Topics


def stage_rejection(rejection: Rejection, command: TopicCommand, source: Source, now_ms: int) -> Staged:
    """The record of a refused command."""
    value = {
        "v": REJECTION_VERSION,
        "command_id": command.id,
        "partition": source.partition,
        "offset": source.record.offset,
        "reason": rejection.reason,
        "message": rejection.message,
        "command_type": command.__struct_config__.tag,
        "subject": rejection.subject,
        "time": instant_text(now_ms),
    }
    headers = [("weir_reason", rejection.reason.encode())]
    topic = source.topics.rejections.name
    return Staged([(topic, source.partition, source.record.key, encode_json(value), headers)])


def stage_answer(command: TopicCommand, source: Source, around: Surroundings) -> Staged:
    """The record of a command that a refused one leads to.  Raises ``LimitError``."""
    named = msgspec.structs.replace(command, id=f"{source.partition}:{source.record.offset}/refused")
    return Staged([_follow_up(named, around, source.topics)])


def stage_dead_letter(reason: str, source: Source, now_ms: int) -> Staged:
    """The record of a command that could not be used.  ``now_ms`` is wall time."""
    letter = DeadLetter.of(source.record, source.topics.commands.name, source.partition, reason, ROLE)
    return Staged([(source.topics.dead_letters.name, DEAD_LETTERS_PARTITION, *letter.record(now_ms))])


def hops_of(record: Record) -> int:
    """How often the record was forwarded; whoever sent it may have written anything there, or nothing."""
    said = next((value for name, value in record.headers if name == HOPS_HEADER), None) or b""
    return int(said) if said.isdigit() and len(said) <= MAX_HOPS_DIGITS else 0


def stage_forward(home: int, hops: int, source: Source) -> Staged:
    """The same record again, in the partition where it belongs."""
    record = source.record
    headers = [(name, value) for name, value in record.headers if name not in {HOPS_HEADER, FROM_HEADER}]
    headers.append((HOPS_HEADER, str(hops).encode()))
    headers.append((FROM_HEADER, f"{source.partition}:{record.offset}".encode()))
    return Staged([(source.topics.commands.name, home, record.key, record.value, headers)])
