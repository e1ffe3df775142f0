"""Batch and Transaction: what an agent works with.

Nothing goes to Kafka before the ``async with`` block ends, so an exception in the body needs no abort: the collected
writes and sends are dropped and the body runs once more on the same batch.  A second failure ends the process; agents
isolate a record that raises by themselves, in the second attempt.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from streams.records import Headers, Record
from streams.transport.fatal import logger
from streams.transport.port import Message, RefusedError, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from streams.transport.lane import Lane
    from streams.transport.port import Chunk

MAX_ATTEMPTS = 2
RECORD_OVERHEAD = 128
"""Bytes that a record and its batch take besides key, value and headers, rounded up."""


class RecordTooLargeError(ValueError):
    """An output larger than its topic takes."""


class Batch:
    """Records of one partition, in order, or none when only timers are due (then ``start == end``)."""

    def __init__(self, lane: Lane, chunk: Chunk, quiet_at: float | None = None, *, ahead: bool = False) -> None:
        self._lane = lane
        self.tp: TopicPartition = chunk.tp
        self.records: Sequence[Record] = chunk.records
        self.start, self.end = chunk.start, chunk.end
        """Offsets ``start`` (included) to ``end`` (the next to read) are done when this batch is."""
        self.quiet_at, self.ahead = quiet_at, ahead
        """Unix s before which everything was read: the broker, asked then, had nothing behind this batch.

        Only a batch of timers has it.  A fetch cannot tell: the process may have been stopped since it was answered.
        ``ahead``: it is still to come, and the transaction will wait for it, and ask.
        """
        self.attempt = 0
        self.taken = self.done = self.withdrawn = False
        self.finished = asyncio.Event()

    def __repr__(self) -> str:
        return f"{self.tp.topic}[{self.tp.partition}] [{self.start}, {self.end})"

    def transaction(self) -> Transaction:
        """The transaction of this attempt."""
        return Transaction(self, self._lane)

    def now(self) -> float:
        """Unix s by the clock that wakes the lane."""
        return self._lane.source.clock()

    @property
    def dropped(self) -> bool:
        """The partition was revoked before the batch was done; its next owner does it."""
        return self._lane.revoked and not self.done

    def begin_attempt(self) -> bool:
        """Whether the body shall run (again)."""
        if self.done or self.withdrawn or self._lane.revoked:
            return False
        self.taken = True
        self.attempt += 1
        if self.attempt > MAX_ATTEMPTS:
            self._lane.source.fatal(
                f"Expected the body to finish batch.transaction() of {self!r}, but it left the block twice without; "
                "use 'async with batch.transaction()' for every batch"
            )
        return True


class Transaction:
    """Writes and sends of one attempt; they commit together with the position when the block ends.

    With positions outside the table (``ExternalPositions``, ``GroupPositions(transactional=False)``) there is nothing
    to write to Kafka here: the block only guards the body.
    """

    def __init__(self, batch: Batch, lane: Lane) -> None:
        self._batch, self._lane, source = batch, lane, lane.source
        partition, table = batch.tp.partition, source.table
        self._base = table.contents.parts.get(partition, {}) if table is not None else {}
        self._has_table, self._transactional = table is not None, source.transactional
        self._max_bytes = source.options.max_record_bytes - RECORD_OVERHEAD
        self._topic_max_bytes = source.options.topic_max_record_bytes
        self._fits_anywhere = min([self._max_bytes, *map(self._limit_of, self._topic_max_bytes)])
        self._writes: dict[bytes, bytes | None] = {}
        self._outputs: dict[TopicPartition, list[Message]] = {}

    def get(self, key: bytes, default: Any = None) -> Any:
        """Value of ``key`` (bytes) as this transaction sees it, or ``default``."""
        value = self._writes[key] if key in self._writes else self._base.get(key)
        return default if value is None else value

    def __getitem__(self, key: bytes) -> bytes:
        value = self._writes[key] if key in self._writes else self._base.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._write(key, value)

    def __delitem__(self, key: bytes) -> None:
        self._write(key, None)

    def _write(self, key: bytes, value: bytes | None) -> None:
        if not self._has_table:
            raise TypeError(f"Expected {self._batch.tp.topic} to have TablePositions, but its source has no table")
        if value is not None and len(key) + len(value) > self._max_bytes:
            raise _too_large("the table", len(key) + len(value), self._max_bytes)
        self._writes[key] = value

    def send(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Add a record to the outputs.  Raises ``RecordTooLargeError`` while the agent can still isolate it."""
        if not self._transactional:
            raise TypeError(f"Expected a transactional source, but {self._batch.tp.topic} writes nothing to Kafka")
        size = (len(key) if key else 0) + (len(value) if value else 0)
        for name, content in headers:
            size += len(name) + (len(content) if content else 0) + 10
        if size > self._fits_anywhere and size > (limit := self._limit_of(topic)):
            raise _too_large(topic, size, limit)
        messages = self._outputs.get((topic, partition))  # type: ignore[call-overload]  # an equal, cheaper key
        if messages is None:
            messages = self._outputs[TopicPartition(topic, partition)] = []
        messages.append((key, value, headers))

    def _limit_of(self, topic: str) -> int:
        return self._topic_max_bytes.get(topic, self._max_bytes + RECORD_OVERHEAD) - RECORD_OVERHEAD

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        batch, lane = self._batch, self._lane
        if error is None and not self._transactional:
            lane.complete(batch)  # even when revoked meanwhile: what the body committed is committed
            return False
        if error is None and batch.ahead and batch.quiet_at is not None and not await lane.stays_quiet(batch.quiet_at):
            batch.withdrawn = True
            return False
        if error is None and not lane.revoked:
            try:
                await lane.commits.commit(self._outputs, self._writes, batch.end)
            except RefusedError as refused:
                error = refused
            else:
                lane.complete(batch)
                return False
        if lane.revoked:
            return True  # dropped: the new owner does this batch
        if not isinstance(error, Exception):
            return False  # cancelled: the process is stopping
        if batch.attempt >= MAX_ATTEMPTS:
            lane.source.fatal(f"the body failed twice on {batch!r}", error)
        lane.source.counters.reruns += 1
        logger.error("batch %r failed, once more: %r", batch, error, exc_info=error)
        return True


def _too_large(where: str, size: int, limit: int) -> RecordTooLargeError:
    return RecordTooLargeError(f"Expected a record for {where} of at most {limit} bytes, but got {size}")
