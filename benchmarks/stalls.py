"""A steady load, and the longest time that it waited: what a stall is to those who send."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import ConsumerRecord

from benchmarks.load import Load, LostError
from streams.core import ids

EVERY_S = 0.04
SETTLE_S = 60.0
POLL_S = 0.05


class Stalls:
    """Sends starts of ``definition`` at ``rate`` a second, and keeps the longest wait of each partition."""

    def __init__(self, load: Load, definition: str, rate: float) -> None:
        self._load, self._definition, self._rate = load, definition, rate
        self.stopping = False
        self.reset()

    def reset(self) -> None:
        """Begin anew: what is sent from now on counts."""
        self.longest_s = dict.fromkeys(range(self._load.partitions), 0.0)
        self._since = time.time()

    async def send(self) -> None:
        """Send until ``stopping``; each partition in turn, so that all have the same rate."""
        began, sent = time.time(), 0
        while not self.stopping:
            due = round((time.time() - began) * self._rate) - sent
            counts: dict[int, int] = {}
            for number in range(sent, sent + due):
                partition = number % self._load.partitions
                counts[partition] = counts.get(partition, 0) + 1
            await self._load.start(self._definition, {}, counts)
            sent += due
            await asyncio.sleep(EVERY_S)

    async def read(self) -> None:
        """Read until ``stopping`` and everything has ended."""
        await self._load.until(lambda: self.stopping and not self._load.open, self._seen)

    async def settled(self) -> None:
        """Wait until whatever was sent before now has ended: the stall is over."""
        now = time.time()
        await until(lambda: all(sent > now for sent in self._load.open.values()), "the starts to end")

    def _seen(self, record: ConsumerRecord, now: float) -> None:
        sent = self._load.open.get(record.key)
        if record.headers[0][1] == b"completed" and sent is not None and sent >= self._since:
            partition = ids.partition_of(record.key.decode())
            self.longest_s[partition] = max(self.longest_s[partition], now - sent)


@asynccontextmanager
async def stalls_of(load: Load, definition: str, rate: float) -> AsyncIterator[Stalls]:
    """Under load; at the end every start has completed.  Raises ``LostError``, alone or in a group."""
    stalls = Stalls(load, definition, rate)
    async with asyncio.TaskGroup() as group:
        group.create_task(stalls.send())
        group.create_task(stalls.read())
        try:
            yield stalls
        finally:
            stalls.stopping = True


async def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait for a true value of ``holds``, plain or async, and return it.  Raises ``LostError``."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        found = holds()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise LostError(f"Expected {what} within {SETTLE_S:.0f} s")
        await asyncio.sleep(POLL_S)
