"""What the log tells of the commands that were processed.

A batch's outcome is one transaction, so whatever became of a command is in the log, or the command was not processed:

| outcome     | trace                                                                          |
|-------------|--------------------------------------------------------------------------------|
| accepted    | events of its partition, ``cause`` = ``<partition>:<offset>``                  |
| refused     | a record on ``process-rejections``, with partition and offset (kept 90 days)   |
| dead letter | headers ``weir_topic``, ``weir_partition``, ``weir_offset`` (kept 90 days)     |
| forwarded   | the copy on ``process-commands``, header ``weir_from``; none before it existed |
| a reading   | none: it moves soft records only                                               |

Commands of a partition are processed in order, so its last trace says that all before it were.
"""

import re
from collections import defaultdict
from collections.abc import AsyncIterator

import msgspec

from streams.codec import UpgradeError, decode_command
from streams.core.commands import SoftCommand
from streams.core.decide import home_of
from streams.deadletters import source_of
from streams.log import Log
from streams.records import Record
from streams.staging import FROM_HEADER, REJECTION_VERSION
from streams.topics import Topic, Topics
from streams.transport.port import TopicPartition

_PLACE = re.compile(rb"(\d{1,4}):(\d{1,18})")


class Traces:
    """The last traces found, by partition of ``process-commands``."""

    def __init__(self) -> None:
        self._next: defaultdict[int, int] = defaultdict(int)
        self.forwarded: defaultdict[int, int] = defaultdict(int)
        """The offset after the last command that a copy names as its original.  Any sender may set such a header, so
        this is to be checked."""

    def saw(self, partition: int, offset: int) -> None:
        """The command at ``offset`` was processed."""
        self._next[partition] = max(self._next[partition], offset + 1)

    def saw_cause(self, cause: str) -> None:
        """The cause of an event: a command's ``<partition>:<offset>``, or ``<partition>:timer``."""
        partition, _, offset = cause.partition(":")
        if offset != "timer":
            self.saw(int(partition), int(offset))

    def after(self, partition: int) -> int | None:
        """The offset after the last command that left a trace; ``None`` when none has."""
        return self._next.get(partition)


class _Rejection(msgspec.Struct):
    v: int
    partition: int
    offset: int


_decode_rejection = msgspec.json.Decoder(_Rejection).decode


async def read_traces(log: Log, topics: Topics) -> Traces:
    """All traces but those of events, which whoever folds them adds.  Raises ``LogError``, ``UpgradeError``."""
    traces = Traces()
    async for record in _records(log, topics.rejections):
        rejection = _decode_rejection(record.value or b"")
        if rejection.v > REJECTION_VERSION:
            raise UpgradeError(f"A rejection has format v{rejection.v}: upgrade this Weir to read it")
        traces.saw(rejection.partition, rejection.offset)
    async for record in _records(log, topics.dead_letters):
        source = source_of(record.headers)
        if source is not None and source.topic == topics.commands.name:
            traces.saw(source.partition, source.offset)
    async for record in _records(log, topics.commands):
        place = _PLACE.fullmatch(dict(record.headers).get(FROM_HEADER) or b"")
        if place is not None:
            origin = int(place[1])
            traces.forwarded[origin] = max(traces.forwarded[origin], int(place[2]) + 1)
    return traces


async def _records(log: Log, topic: Topic) -> AsyncIterator[Record]:
    """Settled, because another role's open transaction hides what was committed behind its first record."""
    spans = await log.settled([TopicPartition(topic.name, number) for number in range(topic.partitions)])
    async for chunk in log.read(spans):
        for record in chunk.records:
            yield record


def must_leave_trace(record: Record, partition: int, partitions: int) -> bool:
    """Whether the command leaves a trace when it is processed.  Readings do not, nor did once those forwarded."""
    try:
        command = decode_command(record.value)
        home = home_of(command, partitions)
    except ValueError:  # a dead letter, a rejection
        return True
    return not isinstance(command, SoftCommand) and home in (None, partition)
