"""A simulated broker behind the port: the semantics of Kafka that lanes rely on, in one process and without time.

Simulated: contiguous offsets with transaction markers in them, read_committed with a last stable offset, atomic
transactions over several partitions and the group's offsets, fencing, records deleted below an offset.  Not simulated:
latency, lost connections, compaction.  ``tests/transport/test_port.py`` holds it to the real broker.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.records import Headers
from streams.transport.contents import TableContents
from streams.transport.port import Chunk, FencedError, Message, Outputs, RefusedError, TopicPartition


class MemoryRecord(NamedTuple):
    """A record as read."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    offset: int
    timestamp: int
    """Unix milliseconds of the append."""


@dataclass(frozen=True)
class MemoryTable:
    """A table without Faust, for ``TablePositions``."""

    changelog: str
    contents: TableContents = field(default_factory=TableContents)


class _Transaction:
    """What a writer has begun; ``committed`` is None while it is open."""

    def __init__(self) -> None:
        self.committed: bool | None = None
        self.partitions: set[TopicPartition] = set()


class _Entry(NamedTuple):
    """One offset of a log: a record, or a transaction marker (``record`` None)."""

    record: MemoryRecord | None
    transaction: _Transaction | None


class _Log:
    """One partition; the entry at index ``i`` has offset ``base + i``."""

    def __init__(self) -> None:
        self.base = 0
        self.entries: list[_Entry] = []
        self.open: dict[_Transaction, int] = {}
        """Open transactions and their first offset."""

    @property
    def end(self) -> int:
        return self.base + len(self.entries)

    @property
    def stable_end(self) -> int:
        """Offset of the first record of an open transaction, else the end."""
        return min(self.open.values(), default=self.end)

    def append(self, message: Message, timestamp: int, transaction: _Transaction | None) -> None:
        if transaction is not None:
            self.open.setdefault(transaction, self.end)
        key, value, headers = message
        record = MemoryRecord(key, value, tuple(headers), self.end, timestamp)
        self.entries.append(_Entry(record, transaction))

    def read(self, position: int, max_records: int) -> tuple[list[MemoryRecord], int]:
        """Committed records from ``position``, and the position after them."""
        records: list[MemoryRecord] = []
        stable_end = self.stable_end
        for offset in range(position, stable_end):
            record, transaction = self.entries[offset - self.base]
            if record is not None and (transaction is None or transaction.committed):
                if len(records) == max_records:
                    return records, offset
                records.append(record)
        return records, stable_end


class MemoryBroker:
    """Topics, groups and transactional ids.  ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.groups: dict[str, dict[TopicPartition, int]] = {}
        self._logs: dict[TopicPartition, _Log] = {}
        self._writers: dict[str, MemoryWriter] = {}
        self._changed = asyncio.Event()

    def create_topic(self, name: str, partitions: int) -> None:
        """Make a topic with empty partitions."""
        for partition in range(partitions):
            self._logs[TopicPartition(name, partition)] = _Log()

    def append(self, tp: TopicPartition, messages: Iterable[Message]) -> None:
        """Write outside any transaction."""
        for message in messages:
            self.log(tp).append(message, int(self.clock() * 1000), None)
        self.changed()

    def delete_records(self, tp: TopicPartition, before: int) -> None:
        """Drop what lies below offset ``before``, as retention does."""
        log = self.log(tp)
        del log.entries[: max(0, before - log.base)]
        log.base = max(log.base, before)

    def open_writer(self, transactional_id: str, group: str) -> "MemoryWriter":
        """Open a writer: fences the older one of the same id and aborts what it left open."""
        older = self._writers.get(transactional_id)
        if older is not None:
            older.fence()
        writer = self._writers[transactional_id] = MemoryWriter(self, group)
        return writer

    def log(self, tp: TopicPartition) -> _Log:
        """The log of a partition; ``RefusedError`` when there is none."""
        log = self._logs.get(tp)
        if log is None:
            raise RefusedError(f"Expected topic {tp.topic} to have partition {tp.partition}, but it has not")
        return log

    def changed(self) -> None:
        """Wake up every reader that waits."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Until something changes."""
        await self._changed.wait()


class MemoryWriter:
    """``port.Writer``."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker, self._group, self._fenced = broker, group, False
        self._open: _Transaction | None = None

    def begin(self, outputs: Outputs) -> dict[TopicPartition, int]:
        """Write into a transaction and leave it open, as a writer does that dies on the way."""
        if self._fenced:
            raise FencedError("the transactional id was taken over")
        _check(outputs)
        logs = {tp: self._broker.log(tp) for tp in outputs}  # all of them, before anything is written
        transaction = self._open = _Transaction()
        ends = {}
        for tp, log in logs.items():
            for message in outputs[tp]:
                log.append(message, int(self._broker.clock() * 1000), transaction)
            transaction.partitions.add(tp)
            ends[tp] = log.end
        return ends

    async def transact(self, outputs: Outputs, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See ``port.Writer``."""
        ends = self.begin(outputs)
        await asyncio.sleep(0)
        if self._fenced:
            raise FencedError("the transactional id was taken over")
        self._broker.groups.setdefault(self._group, {}).update(offsets)
        self._end(committed=True)
        return ends

    def fence(self) -> None:
        """Called when a newer writer opens: abort what is open, refuse everything later."""
        self._fenced = True
        self._end(committed=False)

    def _end(self, *, committed: bool) -> None:
        transaction, self._open = self._open, None
        if transaction is None:
            return
        transaction.committed = committed
        for tp in transaction.partitions:
            log = self._broker.log(tp)
            log.open.pop(transaction, None)
            log.entries.append(_Entry(None, None))
        self._broker.changed()

    async def close(self) -> None:
        """Nothing to close."""


def _check(outputs: Outputs) -> None:
    for messages in outputs.values():
        for key, value, headers in messages:
            for part in (key, value, *(content for _, content in headers)):
                if part is not None and not isinstance(part, bytes):
                    raise RefusedError(f"Expected bytes for key, value and header values, but got {type(part)}")


class MemoryReader:
    """``port.Reader``: the positions of one process."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {}

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """See ``port.Reader``.  Below the first offset it goes on at that, as Kafka's reset to the earliest does."""
        log = self._broker.log(tp)
        while log.stable_end <= (position := max(self._positions.get(tp, 0), log.base)):
            await self._broker.wait()
        records, end = log.read(position, max_records)
        self._positions[tp] = end
        return Chunk(tp, position, records, end, log.stable_end)

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """See ``port.Reader``."""
        self._positions[tp] = offset

    def stable_end(self, tp: TopicPartition) -> int | None:
        """See ``port.Reader``; every moment has an answer."""
        return self._broker.log(tp).stable_end

    def answered_at(self, tp: TopicPartition) -> float | None:  # noqa: ARG002
        """See ``port.Reader``."""
        return self._broker.clock()


class MemoryOffsets:
    """``port.Offsets``."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker, self._group = broker, group

    async def bounds(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """See ``port.Offsets``."""
        return {tp: (self._broker.log(tp).base, self._broker.log(tp).stable_end) for tp in tps}

    async def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """See ``port.Offsets``."""
        return {tp: self._broker.groups.get(self._group, {}).get(tp) for tp in tps}


class MemoryEnds:
    """``port.Ends``."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def end(self, tp: TopicPartition) -> int:
        """See ``port.Ends``."""
        return self._broker.log(tp).stable_end

    async def close(self) -> None:
        """Nothing to close."""
