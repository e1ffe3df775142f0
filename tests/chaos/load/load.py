"""The whole load: several users, devices and walkers, each with a connection of its own, at a steady moderate rate."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from streams.settings import Settings
from streams.topics import Topics
from tests.chaos.load.devices import Devices
from tests.chaos.load.users import KEYS, Teams, User
from tests.chaos.load.walkers import Walkers
from tests.chaos.sent import Book

USERS = 3


class Load:
    """``rate``: commands a second, of all users; readings come at a quarter of it, positions at an eighth.

    ``busy()`` tells that the roles cannot keep up: the load then waits, as people do, so that a slow machine ends with
    few commands rather than with a queue.
    """

    def __init__(self, settings: Settings, topics: Topics, rng: Random, rate: float, busy: Callable[[], bool]) -> None:
        self.book = Book()
        self._rate, self._busy, self._rng = rate, busy, rng
        self._teams = Teams()
        self._users = [
            User(f"u{n}", settings, topics, self.book, Random(rng.random()), self._teams) for n in range(USERS)
        ]
        self._devices = Devices(settings, topics, self.book, Random(rng.random()))
        self._walkers = Walkers(settings, topics, Random(rng.random()))
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._devices.start()
        steps: list[tuple[Callable[[], Awaitable[None]], float]] = [
            *((user.step, self._rate / USERS) for user in self._users),
            (self._devices.send, self._rate / 8),
            (self._devices.publish, self._rate / 8),
            (self._walkers.send, self._rate / 8),
        ]
        self._tasks = [asyncio.create_task(self._repeat(step, rate)) for step, rate in steps]

    def check(self) -> None:
        """Raise what has ended a part of the load."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def pause(self) -> None:
        """No more of it by itself."""
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def finish(self) -> None:
        """What orders and teams wait for, for all of them: what runs must be able to go on."""
        for number in range(KEYS):
            await self._users[number % USERS].go(f"k{number}")
        for team in self._teams.all:
            for user in self._users:  # whoever claimed the task is one of them
                await user.settle(team)

    async def fail(self, times: int) -> None:
        """Start what cannot be done."""
        for _ in range(times):
            await self._users[0].fail()

    async def flush(self) -> None:
        """Wait until the fate of everything that was sent is known."""
        await asyncio.gather(*(one.flush() for one in (self._devices, self._walkers, *self._users)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(one.stop() for one in (self._devices, self._walkers, *self._users)))

    async def _repeat(self, step: Callable[[], Awaitable[None]], rate: float) -> None:
        rng = Random(self._rng.random())
        while not self._stop.is_set():
            if not self._busy():
                await step()
            await asyncio.sleep(rng.expovariate(rate))
