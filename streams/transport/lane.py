"""A lane: the runner of one partition.

It reads contiguously, hands out one batch at a time, and goes on only when that batch is done.  While a batch is worked
on, the next chunk is already fetched; no lingering: batches grow by themselves under load.

What follows what, and why:
* a chunk must begin exactly where the last one ended; else records are missing, and the process ends;
* a batch of timers only commits at their moment, when nothing lies behind the position (``alarm.py``);
* a position that moved without any batch writing it is written by the lane itself, between batches (``commits.py``).
"""

import asyncio
import contextlib
from typing import Any, NoReturn

from streams.transport.alarm import Alarm
from streams.transport.batch import Batch
from streams.transport.commits import Commits
from streams.transport.fatal import logger
from streams.transport.options import PartitionStatus
from streams.transport.port import Chunk, Ends, Reader, TopicPartition, Writer
from streams.transport.positions import Start
from streams.transport.source import Source


class Lane:
    """Runs one partition of ``source`` from ``start.position`` until it is stopped."""

    def __init__(
        self,
        source: Source,
        tp: TopicPartition,
        start: Start,
        reader: Reader,
        writer: Writer | None,
        ends: Ends | None = None,
    ) -> None:
        """``writer`` is None for a source that is not transactional, ``ends`` for one that is never woken."""
        self.source, self.tp = source, tp
        self.position = start.position
        self.revoked = False
        self.batch: Batch | None = None
        self._stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last_batch_at: float | None = None
        self.handed_out_at: float | None = None
        """When (Unix s) the running batch was handed out."""
        self.commits = Commits(source, tp, start, writer, self._fatal)
        self._reader, self._alarm = reader, Alarm(source, tp, ends)
        self._task: asyncio.Task[None] | None = None
        self._ahead: asyncio.Future[Chunk] = asyncio.get_running_loop().create_future()
        """The next chunk, on its way."""

    def begin(self) -> None:
        """Start running."""
        self._task = asyncio.create_task(self._run(), name=f"lane {self.tp.topic}[{self.tp.partition}]")

    async def stop(self) -> None:
        """No further batch; the running one may finish.

        Beyond the drain timeout the process ends, since the batch may hang in a commit whose outcome is unknown.
        """
        self.revoked = True  # a batch still queued, or not yet committing, is dropped
        self._stopping.set_result(None)
        timeout = self.source.options.drain_timeout_s
        batch = self.batch
        if batch is not None and batch.taken:
            try:
                async with asyncio.timeout(timeout):
                    await batch.finished.wait()
            except TimeoutError:
                self._fatal(f"the batch did not finish within drain_timeout_s={timeout}")
        if self._task is not None:
            self._task.cancel()
            if (await asyncio.wait([self._task], timeout=timeout))[1]:
                self._fatal(f"the lane did not stop within drain_timeout_s={timeout}")
            self._task = None
        try:
            async with asyncio.timeout(timeout):
                await self.commits.save()
        except TimeoutError as error:
            self._fatal(f"the position could not be written within drain_timeout_s={timeout}", error)

    def status(self) -> PartitionStatus:
        """Position, lag and time of the last batch."""
        end = self._reader.stable_end(self.tp)
        lag = None if end is None else max(0, end - self.position)
        records = self.batch.records if self.batch is not None else ()
        oldest_at = records[0].timestamp / 1000 if records else None
        return PartitionStatus(self.tp.topic, self.tp.partition, self.position, lag, self.last_batch_at, oldest_at)

    def answered_at(self) -> float | None:
        """When (Unix s) the broker last answered a fetch of this partition."""
        return self._reader.answered_at(self.tp)

    def overdue(self) -> float | None:
        """The wake time (Unix s), when it has passed."""
        wake = self.source.next_wake(self.tp.partition)
        return wake if wake is not None and wake <= self.source.clock() else None

    # ---- reading
    async def _fetch(self, position: int) -> Chunk:
        """The next chunk from ``position``.  After a mismatch one more seek: a seek may cross a running fetch."""
        chunk = await self._reader.fetch(self.tp, self.source.max_records)
        if _goes_on(chunk, position):
            return chunk
        self.source.counters.reseeks += 1
        logger.error("%s: wanted %d, got [%d, %d); seeking again", self.tp, position, chunk.start, chunk.end)
        await self._reader.seek(self.tp, position)
        chunk = await self._reader.fetch(self.tp, self.source.max_records)
        if _goes_on(chunk, position):
            return chunk
        return self._fatal(
            f"Expected records from offset {position}, but the broker gave [{chunk.start}, {chunk.end}): records are "
            "missing (retention?) or the topic was recreated.  Restore the topic or rebuild what follows from it"
        )

    async def _run(self) -> None:
        self._ahead = asyncio.ensure_future(self._fetch(self.position))
        try:
            while not self.revoked:
                batch = await self._wait()
                if batch is None:
                    chunk = self._ahead.result()
                    self._ahead = asyncio.ensure_future(self._fetch(chunk.end))
                    if not chunk.records:  # only markers: nothing for an agent
                        self.position = chunk.end
                        continue
                    batch = Batch(self, chunk)
                await self._hand_out(batch)
        except Exception as error:  # noqa: BLE001  a dead lane would be a partition that silently stands still
            self._fatal("the lane failed", error)
        finally:
            self._ahead.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ahead

    async def _wait(self) -> Batch | None:
        """Until the next chunk is there (None), or timers are to be worked on (their batch).

        Writes an unsaved position meanwhile.
        """
        if self._ahead.done():
            return None
        alarm = asyncio.create_task(self._alarm.rings(self.position))
        waiting: set[asyncio.Future[Any]] = {self._ahead, alarm}
        try:
            while not any(future.done() for future in waiting):
                due_in = self.commits.due_in
                if due_in is not None and due_in <= 0:
                    await self.commits.save()
                else:
                    await asyncio.wait(waiting, timeout=due_in, return_when=asyncio.FIRST_COMPLETED)
            if self._ahead.done():
                return None
            quiet_at, is_ahead = alarm.result()  # raises what the broker said instead of an answer
            chunk = Chunk(self.tp, self.position, (), self.position, self.position)
            return Batch(self, chunk, quiet_at, ahead=is_ahead)
        finally:
            alarm.cancel()

    async def stays_quiet(self, moment: float) -> bool:
        """Wait for ``moment``, the time of a batch of timers; whether nothing has come before it."""
        comes = await self._alarm.comes(moment, (self._ahead, self._stopping))
        return comes and await self._alarm.is_clear(self.position)

    async def _hand_out(self, batch: Batch) -> None:
        self.batch = batch
        self.handed_out_at = self.source.clock()
        self.source.ready.put_nowait(batch)
        timeout = self.source.options.batch_timeout_s
        try:
            async with asyncio.timeout(timeout):  # not wait_for, which may swallow a cancellation in Python 3.11
                await batch.finished.wait()
        except TimeoutError:
            self._fatal(
                f"batch {batch!r} was not done within batch_timeout_s={timeout}: the agent hangs, or is missing"
            )
        self.batch, self.handed_out_at = None, None

    def complete(self, batch: Batch) -> None:
        """The batch is done, also when the lane was stopped meanwhile.

        The position moves here, not in the lane's task, which may be cancelled before it looks.
        """
        batch.done = True
        self.position = batch.end
        self.last_batch_at = self.source.clock()
        self.source.counters.batches += 1
        if self.handed_out_at is not None:
            self.source.counters.batch_s.observe(max(0.0, self.last_batch_at - self.handed_out_at))
        self.source.counters.records += len(batch.records)

    def _fatal(self, message: str, error: BaseException | None = None) -> NoReturn:
        self.source.fatal(f"{self.tp.topic}[{self.tp.partition}] at {self.position}: {message}", error)


def _goes_on(chunk: Chunk, position: int) -> bool:
    """Whether ``chunk`` begins at ``position`` and its offsets increase."""
    if chunk.start != position:
        return False
    last = position - 1
    for record in chunk.records:
        if record.offset <= last:
            return False
        last = record.offset
    return last < chunk.end
