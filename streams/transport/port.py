"""The port: all that a lane knows of Kafka.

    Reader    fetch committed records of a partition, contiguously; seek; where do they end?
    Writer    one transaction at a time: records to any partitions plus consumed offsets, all or nothing
    Offsets   where a partition begins and ends, and what the group has committed
    Ends      where a partition ends this very moment

Two implementations stand behind it under one contract test (``tests/transport/test_port.py``): ``lane_reader.py``,
``kafka_reader.py`` and ``kafka_writer.py`` (aiokafka), and ``memory.py`` (a simulated broker).

    PortError
    ├── RefusedError         nothing was sent and the writer may go on: the outputs were wrong
    ├── FencedError          a newer writer holds this transactional id: the partition belongs to somebody else
    └── OutcomeUnknownError  the transaction failed after it began: only the log knows what became of it
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.records import Headers, Record


class PortError(Exception):
    """Root of what a port raises."""


class RefusedError(PortError):
    """Nothing was sent; the writer is as good as before."""


class FencedError(PortError):
    """Another writer was opened under the same transactional id; this one never commits again."""


class OutcomeUnknownError(PortError):
    """The transaction may be committed or aborted; the process must end and its successor read the log."""


class TopicPartition(NamedTuple):
    """Equal to Faust's ``TP`` and aiokafka's ``TopicPartition``: all three are plain tuples of the same two fields."""

    topic: str
    partition: int


Message = tuple[bytes | None, bytes | None, Headers]
"""A record to be written: key, value (None is a tombstone), headers.  A plain tuple: it is made for every output."""

Outputs = Mapping[TopicPartition, Sequence[Message]]


class Chunk(NamedTuple):
    """What one fetch returned: the reader went contiguously from ``start`` up to, not including, ``end``.

    Offsets missing inside are transaction markers, aborted records or compacted ones.  ``stable_end`` is the end of
    what was committed as far as the last answer of the broker told (None before the first).
    """

    tp: TopicPartition
    start: int
    records: Sequence[Record]
    end: int
    stable_end: int | None


class Reader(Protocol):
    """Committed records of the partitions that this process holds."""

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from now on, each from its position (an offset), and no others."""
        ...

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """Wait until the position of ``tp`` can move, and move it; ``records`` may be empty (markers only)."""
        ...

    async def seek(self, tp: TopicPartition, offset: int) -> None: ...

    def stable_end(self, tp: TopicPartition) -> int | None:
        """End of the committed records by the broker's last answer to a fetch; None before the first."""
        ...

    def answered_at(self, tp: TopicPartition) -> float | None:
        """When (Unix s) the broker last answered a fetch of ``tp``; None before the first answer."""
        ...

    async def close(self) -> None: ...


class Ends(Protocol):
    """Asks the broker, over a connection on which no fetch is held: the answer takes a round trip."""

    async def end(self, tp: TopicPartition) -> int:
        """End of the committed records of ``tp``, as it is after this was called."""
        ...

    async def close(self) -> None: ...


class Writer(Protocol):
    """A transactional producer.  Opening one fences every older one of the same transactional id."""

    async def transact(self, outputs: Outputs, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Commit ``outputs`` and the group's ``offsets`` (next offset to read) in one transaction.

        Returns for each output partition the offset after its last written record.  Raises ``RefusedError``,
        ``FencedError`` or ``OutcomeUnknownError``.
        """
        ...

    async def close(self) -> None: ...


class Offsets(Protocol):
    """What is known about partitions before a lane starts."""

    async def bounds(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """First readable offset and end of the committed records."""
        ...

    async def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """Offsets of the group; None where it has none.

        Kafka confirms a transaction before its offsets can be read.  What a writer committed is certain to be seen only
        after the next writer of the same transactional id was opened.
        """
        ...
