"""What a lane writes: one transaction for outputs, state and position, one at a time.

* The table changes after the commit, never before it: it is never ahead of the log.
* A batch with nothing to write makes no transaction.  Its moved position is kept in mind and written later, by a batch
  that writes or by the lane itself, at a bounded rate.
* The position of a table is in its changelog; the group's offset only shows it to dashboards, and is flushed beside the
  transactions: within one it would cost two more round trips.
* A transaction that has begun is followed to its end even when the lane is stopped in the middle, since the writer can
  begin no other before.
"""

import asyncio
import math
import time
from collections.abc import Mapping

from streams.transport.contents import position_key
from streams.transport.fatal import Fatal
from streams.transport.port import FencedError, Message, OutcomeUnknownError, RefusedError, TopicPartition, Writer
from streams.transport.positions import Start
from streams.transport.source import Source


class Commits:
    """The writing side of the lane of ``tp``; ``writer`` is None for sources that are not transactional."""

    def __init__(self, source: Source, tp: TopicPartition, start: Start, writer: Writer | None, fatal: Fatal) -> None:
        self._source, self._tp, self._writer, self._fatal = source, tp, writer, fatal
        self._table = source.table
        self._changelog = TopicPartition(self._table.changelog, tp.partition) if self._table is not None else None
        self._written = start.position
        self._unsaved: int | None = start.position if start.unsaved else None
        self._clock = asyncio.get_running_loop().time
        self._saved_at = -math.inf if start.unsaved else self._clock()
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        self.running: int | None = None
        """The number of the transaction that Kafka has not confirmed yet, if there is one."""

    @property
    def due_in(self) -> float | None:
        """Seconds until the unsaved position is to be written (not positive: now); None when it is saved."""
        if self._unsaved is None or self._writer is None:
            return None
        options = self._source.options
        every = options.offsets_every_s if self._changelog is not None else options.idle_offsets_every_s
        return self._saved_at + every - self._clock()

    async def commit(
        self,
        outputs: Mapping[TopicPartition, list[Message]],
        writes: Mapping[bytes, bytes | None],
        position: int,
    ) -> None:
        """Write a batch that ends at ``position``.  Raises ``RefusedError``; what is worse ends the process."""
        if not outputs and not writes:
            if position != self._written:
                self._unsaved = position
            if self.due_in is not None and self.due_in <= 0:
                await self.save()
            return
        await asyncio.shield(self._write(outputs, writes, position))

    async def save(self) -> None:
        """Write the unsaved position, if there is one."""
        if self._unsaved is not None and self._writer is not None:
            await asyncio.shield(self._write({}, {}, None))

    async def _write(
        self,
        outputs: Mapping[TopicPartition, list[Message]],
        writes: Mapping[bytes, bytes | None],
        position: int | None,
    ) -> None:
        """One transaction; ``position`` None means the unsaved one, if it is still unsaved when its turn comes."""
        async with self._one_at_a_time:
            position = self._unsaved if position is None else position
            if position is None:
                return
            now, offsets, records = self._clock(), {}, dict(outputs)
            if self._changelog is None:
                offsets = {self._tp: position}
            else:
                writes = {**writes, position_key(self._tp.topic): b"%d" % position}
                records[self._changelog] = [(key, value, ()) for key, value in writes.items()]
            ends = await self._transact(records, offsets)
            if self._table is not None and self._changelog is not None:
                if not self._table.contents.apply_commit(self._tp.partition, writes, ends[self._changelog]):
                    self._fatal("the table has forgotten the partition whose lane is running")
                self._source.show_offset(self._tp, position)
            self._written, self._saved_at, self._unsaved = position, now, None

    async def _transact(
        self, records: Mapping[TopicPartition, list[Message]], offsets: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, int]:
        if self._writer is None:
            self._fatal("no writer was opened for a transactional source")
        counters, began, timeout = self._source.counters, time.perf_counter(), self._source.options.commit_timeout_s
        self._begun += 1
        self.running = self._begun
        try:
            async with asyncio.timeout(timeout):
                ends = await self._writer.transact(records, offsets)
        except RefusedError:
            raise
        except FencedError as error:
            self._fatal("another process owns this partition now (fenced)", error)
        except TimeoutError as error:
            self._fatal(f"Kafka did not confirm a transaction within commit_timeout_s={timeout}", error)
        except OutcomeUnknownError as error:
            self._fatal("a transaction failed and only the log knows its outcome", error)
        finally:
            self.running = None
        counters.transaction_s.observe(time.perf_counter() - began)
        counters.transactions += 1
        counters.outputs += sum(map(len, records.values()))
        return ends
