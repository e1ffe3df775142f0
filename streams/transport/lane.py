"""A lane: the runner of one partition.

It reads contiguously, hands out one batch at a time, and goes on only when that batch is done.  While a batch is worked
on, the next chunk is already fetched; no lingering: batches grow by themselves under load.

What follows what, and why:
* a chunk must begin exactly where the last one ended; else records are missing, and the process ends;
* a batch of timers only is handed out when the broker, asked after the wake time, has nothing behind the position:
  commands of earlier time go first; the moment of asking is what the batch is told (``Batch.quiet_at``);
* the wake time is of the wall clock, which may be set, so it is looked at again and again;
* a position that moved without any batch writing it is written by the lane itself, between batches (``commits.py``).
"""

import asyncio
import contextlib
from typing import Any, NoReturn

from streams.transport.batch import Batch
from streams.transport.commits import Commits
from streams.transport.fatal import logger
from streams.transport.options import PartitionStatus
from streams.transport.port import Chunk, Ends, Reader, TopicPartition, Writer
from streams.transport.positions import Start
from streams.transport.source import Source

CLOCK_LOOK_S = 1.0
"""A clock that was set right is noticed after this time: a timer is never later by what the clock was behind."""


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
        self.last_batch_at: float | None = None
        self.commits = Commits(source, tp, start, writer, self._fatal)
        self._reader, self._ends = reader, ends
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start running."""
        self._task = asyncio.create_task(self._run(), name=f"lane {self.tp.topic}[{self.tp.partition}]")

    async def stop(self) -> None:
        """No further batch; the running one may finish.

        Beyond the drain timeout the process ends, since the batch may hang in a commit whose outcome is unknown.
        """
        self.revoked = True  # a batch still queued, or not yet committing, is dropped
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
        return PartitionStatus(self.tp.topic, self.tp.partition, self.position, lag, self.last_batch_at)

    def answered_at(self) -> float | None:
        """When (Unix s) the broker last answered a fetch of this partition."""
        return self._reader.answered_at(self.tp)

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
        ahead = asyncio.ensure_future(self._fetch(self.position))
        try:
            while not self.revoked:
                quiet_at = await self._wait(ahead)
                if ahead.done():
                    chunk = ahead.result()
                    ahead = asyncio.ensure_future(self._fetch(chunk.end))
                else:  # a timer is due, and nothing lies behind the position
                    chunk = Chunk(self.tp, self.position, (), self.position, self.position)
                if chunk.records or chunk.start == chunk.end:
                    await self._hand_out(chunk, quiet_at)
                else:  # only markers: nothing for an agent
                    self.position = chunk.end
        except Exception as error:  # noqa: BLE001  a dead lane would be a partition that silently stands still
            self._fatal("the lane failed", error)
        finally:
            ahead.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ahead

    async def _wait(self, ahead: asyncio.Future[Chunk]) -> float | None:
        """Until the next chunk is there or timers may be fired: up to when (see ``Batch.quiet_at``).

        Writes an unsaved position meanwhile.
        """
        if ahead.done():
            return None
        timer = asyncio.create_task(self._timer())
        waiting: set[asyncio.Future[Any]] = {ahead, timer}
        try:
            while not any(future.done() for future in waiting):
                due_in = self.commits.due_in
                if due_in is not None and due_in <= 0:
                    await self.commits.save()
                else:
                    await asyncio.wait(waiting, timeout=due_in, return_when=asyncio.FIRST_COMPLETED)
            quiet_at = timer.result() if timer.done() else None  # or raises what the broker said instead of an answer
            return None if ahead.done() else quiet_at
        finally:
            timer.cancel()

    async def _timer(self) -> float:
        """Until a timer is due and nothing lies behind the position; else for ever: what lies there is on its way.

        Returns the Unix s of asking: what was appended before it, the answer tells of.
        """
        wake = self.source.wake_at(self.tp.partition) if self.source.wake_at is not None else None
        if wake is not None:
            await self._sleep_until(wake)
            if self._ends is None:
                self._fatal("nothing was opened that tells the end of a source that is woken")
            asked_at = self.source.clock()
            if await self._ends.end(self.tp) <= self.position:
                return asked_at
        never: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        return await never

    async def _sleep_until(self, wake: float) -> None:
        """Until the source's clock has reached ``wake``: the loop's own clock runs apart from it."""
        left = wake - self.source.clock()
        while left > 0:
            await asyncio.sleep(min(left, CLOCK_LOOK_S))
            left = wake - self.source.clock()

    async def _hand_out(self, chunk: Chunk, quiet_at: float | None) -> None:
        self.batch = batch = Batch(self, chunk, quiet_at)
        self.source.ready.put_nowait(batch)
        timeout = self.source.options.batch_timeout_s
        try:
            async with asyncio.timeout(timeout):  # not wait_for, which may swallow a cancellation in Python 3.11
                await batch.finished.wait()
        except TimeoutError:
            self._fatal(
                f"batch {batch!r} was not done within batch_timeout_s={timeout}: the agent hangs, or is missing"
            )
        self.batch = None

    def complete(self, batch: Batch) -> None:
        """The batch is done, also when the lane was stopped meanwhile.

        The position moves here, not in the lane's task, which may be cancelled before it looks.
        """
        batch.done = True
        self.position = batch.end
        self.last_batch_at = self.source.clock()
        self.source.counters.batches += 1
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
