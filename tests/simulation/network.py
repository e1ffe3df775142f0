"""What lies between processes and services: time, and now and then nothing at all.

A request travels, the service does it, the answer travels.  Whoever has asked may be killed or stopped at any of these
moments, so a service may have done what nobody ever hears of.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from random import Random
from typing import Any, TypeVar

from tests.simulation.loop import VirtualLoop
from tests.simulation.process import OWNER, Process

T = TypeVar("T")
SLOW_TIMES = 100
SLOW = 0.02
"""This share of messages takes up to so many times as long as the others."""
LOADED, LOADED_S = 0.8, 4.0
"""This share of what waits behind others, while the service is under load, does so for up to so long."""


class Network:
    """Messages to and from ``service``, a process that is never killed."""

    def __init__(self, loop: VirtualLoop, random: Random, service: Process, quick_s: float) -> None:
        """Most messages take up to ``quick_s``."""
        self._loop, self._random, self._quick_s = loop, random.random, quick_s
        self._context = copy_context()
        self._context.run(OWNER.set, service)
        self.away_until = 0.0
        """The service cannot be reached before."""
        self.loaded_until = 0.0
        """The service is under load until then."""

    def delay(self) -> float:
        """How long a message takes."""
        delay = self._random() * self._quick_s
        if self._random() < SLOW:
            delay *= SLOW_TIMES
        away = self.away_until - self._loop.now
        return delay if away <= 0 else away + delay

    async def travel(self) -> None:
        """One way."""
        OWNER.get().asks()
        arrived = self._loop.create_future()
        timer = self._loop.call_later(self.delay(), _arrived, arrived)
        try:
            await arrived
        finally:
            timer.cancel()

    async def queue(self) -> None:
        """Wait for what the service does for others, while it is under load."""
        if self._loop.now < self.loaded_until and (share := self._random() / LOADED) < 1:
            await asyncio.sleep(share * LOADED_S)

    def request(
        self,
        work: Callable[[], T | Awaitable[T]],
        *,
        not_before: float = 0.0,
        answer: "asyncio.Future[T] | None" = None,
        transactional: bool = False,
    ) -> "asyncio.Future[T]":
        """Have ``work`` done by the service, its result or exception brought back.

        It arrives at ``not_before`` (the loop's time) at the earliest, for whoever sends in order.  ``transactional``:
        it writes into a transaction of the broker's, or ends it.
        """
        answer = answer or self._loop.create_future()
        asker = OWNER.get()
        if asker.alive:
            asker.asks(transactional=transactional)
            arrives = max(self._loop.now + self.delay(), not_before)
            self._loop.call_at(arrives, self._arrive, answer, work, context=self._context)
        return answer

    async def ask(self, work: Callable[[], T | Awaitable[T]], *, transactional: bool = False) -> T:
        """``request``, and wait for the answer."""
        return await self.request(work, transactional=transactional)

    def later(self, callback: Callable[..., object], *args: Any) -> None:
        """Have the service do something in a while of its own."""
        self._loop.call_later(self.delay(), callback, *args, context=self._context)

    def bring(self, message: Callable[[], object], to: Context) -> None:
        """Carry what nobody has asked for to a process whose context that is."""
        self._loop.call_later(self.delay(), message, context=to)

    def at(self, when: float, callback: Callable[..., object], *args: Any) -> None:
        """The same, at a time."""
        self._loop.call_at(when, callback, *args, context=self._context)

    def _arrive(self, answer: "asyncio.Future[T]", work: Callable[[], T | Awaitable[T]]) -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is the asker's
            self.later(_fail, answer, error)
            return
        if asyncio.iscoroutine(result):
            task = self._loop.create_task(result, context=self._context.copy())
            task.add_done_callback(lambda done: self._answer(answer, done))
        else:
            self.later(_succeed, answer, result)

    def _answer(self, answer: "asyncio.Future[T]", done: "asyncio.Task[T]") -> None:
        error = done.exception()
        if error is None:
            self.later(_succeed, answer, done.result())
        else:
            self.later(_fail, answer, error)


def _arrived(message: "asyncio.Future[None]") -> None:
    if not message.done():
        message.set_result(None)


def _succeed(answer: "asyncio.Future[T]", result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Any]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
