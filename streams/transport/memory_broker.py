"""A simulated broker: the semantics of Kafka that the transport relies on, in one process and without time.

Simulated: contiguous offsets with transaction markers in them, read_committed with a last stable offset, atomic
transactions over several partitions and the group's offsets, fencing by producer epoch, transactions that stay open
until a successor comes or their time is up, records deleted below an offset.  Not simulated: compaction, replicas.

Each method is what the broker does about one request, all at once.  What passes between the requests of a client is
for ``memory.py`` (nothing), or for a simulation with latencies and deaths in it.

A transaction ends in two steps, as Kafka's does: it is decided, then each of its partitions gets a marker.  Only the
marker makes its records readable there, and lets the same producer begin another.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.records import Headers
from streams.transport.port import FencedError, Message, RefusedError, TopicPartition


class MemoryRecord(NamedTuple):
    """A record as read."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    offset: int
    timestamp: int
    """Unix milliseconds of the append."""


@dataclass(eq=False)
class Transaction:
    """``committed`` is None until it is decided; ``partitions`` lack its marker, ``offsets`` wait for the last one."""

    group: str
    began_at: float
    committed: bool | None = None
    partitions: dict[TopicPartition, None] = field(default_factory=dict)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)


class _Entry(NamedTuple):
    """One offset of a log: a record, or a transaction marker (``record`` None)."""

    record: MemoryRecord | None
    transaction: Transaction | None


class MemoryLog:
    """One partition; the entry at index ``i`` has offset ``base + i``."""

    def __init__(self) -> None:
        self.base = 0
        self.entries: list[_Entry] = []
        self.open: dict[Transaction, int] = {}
        """Transactions without a marker here, and their first offset."""
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def end(self) -> int:
        return self.base + len(self.entries)

    @property
    def stable_end(self) -> int:
        """Offset of the first record of an open transaction, else the end."""
        return min(self.open.values()) if self.open else self.end

    def append(self, message: Message, timestamp: int, transaction: Transaction | None) -> None:
        if transaction is not None:
            self.open.setdefault(transaction, self.end)
        key, value, headers = message
        record = MemoryRecord(key, value, tuple(headers), self.end, timestamp)
        self.entries.append(_Entry(record, transaction))

    def mark(self, transaction: Transaction) -> None:
        self.open.pop(transaction, None)
        self.entries.append(_Entry(None, None))

    async def wait(self) -> None:
        """Until something is appended."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def wake(self) -> None:
        """Wake up who waits."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

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


@dataclass
class Producer:
    """The holder of a transactional id, and its transaction that is open, or decided and not all marked."""

    epoch: int = -1
    transaction: Transaction | None = None


class MemoryBroker:
    """Topics, groups' offsets and transactional ids.  ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.groups: dict[str, dict[TopicPartition, int]] = {}
        self.logs: dict[TopicPartition, MemoryLog] = {}
        self._producers: dict[str, Producer] = {}

    # ---- topics

    def create_topic(self, name: str, partitions: int) -> None:
        """Make a topic with empty partitions."""
        for partition in range(partitions):
            self.logs[TopicPartition(name, partition)] = MemoryLog()

    def append(self, tp: TopicPartition, messages: Iterable[Message]) -> int:
        """Write outside any transaction; returns the first offset."""
        log = self.log(tp)
        first, now_ms = log.end, self._now_ms()
        for message in messages:
            log.append(message, now_ms, None)
        log.wake()
        return first

    def delete_records(self, tp: TopicPartition, before: int) -> None:
        """Drop what lies below offset ``before``, as retention does."""
        log = self.log(tp)
        del log.entries[: max(0, before - log.base)]
        log.base = max(log.base, before)

    def log(self, tp: TopicPartition) -> MemoryLog:
        """The log of a partition; ``RefusedError`` when there is none."""
        log = self.logs.get(tp)
        if log is None:
            raise RefusedError(f"Expected topic {tp.topic} to have partition {tp.partition}, but it has not")
        return log

    # ---- transactions

    def init_producer(self, transactional_id: str) -> int:
        """InitProducerId: fences whoever had the id and aborts what it left open; returns the epoch.

        The id may be used once ``is_ending`` is false.
        """
        producer = self._producers.setdefault(transactional_id, Producer())
        producer.epoch += 1
        self._decide(producer, committed=False)
        return producer.epoch

    def is_ending(self, transactional_id: str) -> bool:
        """Whether a decided transaction still lacks a marker: another cannot begin (CONCURRENT_TRANSACTIONS)."""
        transaction = self._producers[transactional_id].transaction
        return transaction is not None and transaction.committed is not None

    def produce(self, writer: tuple[str, int], group: str, tp: TopicPartition, messages: Sequence[Message]) -> int:
        """Write into the transaction of ``writer`` (transactional id, epoch); returns the end.

        Raises ``FencedError``.
        """
        transaction, log, now_ms = self._transaction(writer, group), self.log(tp), self._now_ms()
        transaction.partitions[tp] = None
        for message in messages:
            log.append(message, now_ms, transaction)
        return log.end

    def add_offsets(self, writer: tuple[str, int], group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Make the group's ``offsets`` part of the transaction of ``writer``.  Raises ``FencedError``."""
        transaction = self._transaction(writer, group)
        transaction.group = group
        transaction.offsets.update(offsets)

    def end_transaction(self, writer: tuple[str, int], *, committed: bool) -> None:
        """EndTxn.  Raises ``FencedError``."""
        self._decide(self._held(writer), committed=committed)

    def expire(self, timeout_s: float) -> None:
        """Abort what has been open for ``timeout_s``, and fence its producer."""
        for producer in self._producers.values():
            transaction = producer.transaction
            if transaction and transaction.committed is None and self.clock() - transaction.began_at >= timeout_s:
                producer.epoch += 1
                self._decide(producer, committed=False)

    def _held(self, writer: tuple[str, int]) -> Producer:
        producer = self._producers[writer[0]]
        if producer.epoch != writer[1]:
            raise FencedError("the transactional id was taken over")
        return producer

    def _transaction(self, writer: tuple[str, int], group: str) -> Transaction:
        producer = self._held(writer)
        if producer.transaction is None:
            producer.transaction = Transaction(group, self.clock())
        return producer.transaction

    def _decide(self, producer: Producer, *, committed: bool) -> None:
        transaction = producer.transaction
        if transaction is not None and transaction.committed is None:
            transaction.committed = committed
            self.mark(producer, transaction)

    def mark(self, producer: Producer, transaction: Transaction) -> None:
        """Write the markers of a decided transaction, here all at once."""
        for tp in list(transaction.partitions):
            self.mark_partition(transaction, tp)
        self.settle(producer, transaction)

    def mark_partition(self, transaction: Transaction, tp: TopicPartition) -> None:
        """Write one marker."""
        del transaction.partitions[tp]
        log = self.log(tp)
        log.mark(transaction)
        log.wake()

    def settle(self, producer: Producer, transaction: Transaction) -> None:
        """All markers are written: the offsets count, and the producer may begin another transaction."""
        if transaction.committed and transaction.offsets:
            self.groups.setdefault(transaction.group, {}).update(transaction.offsets)
        producer.transaction = None

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)
