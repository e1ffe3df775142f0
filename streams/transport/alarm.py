"""When the timers of a lane are worked on, and whether what they led to may commit.

Timers are worked on a little ahead of their moment and commit at it: a thousand that are due together would else be
late by all their computing.  A timer that is due already is worked on at once.

Commands of earlier time go first, so the broker is asked at the moment, not before: when there is anything behind the
position, what was worked on ahead is withdrawn.  Nothing of it has been sent.  The timers come again, after what lies
there, and not ahead of their moment a second time: beside a stream of commands that would be work for nothing.
"""

import asyncio
from collections.abc import Collection
from typing import Any, NoReturn

from streams.transport.port import Ends, TopicPartition
from streams.transport.source import Source

CLOCK_LOOK_S = 1.0
"""A clock that was set right is noticed after this time: a timer is never later by what the clock was behind."""


class Alarm:
    """Of the lane of ``tp``; all moments are those of the source's clock, Unix seconds."""

    def __init__(self, source: Source, tp: TopicPartition, ends: Ends | None) -> None:
        """``ends`` is None for a source that is never woken."""
        self._source, self._tp, self._ends = source, tp, ends
        self._worked_ahead_of: float | None = None

    async def rings(self, position: int) -> tuple[float, bool]:
        """Wait until timers are to be worked on: up to which moment they fire, and whether that lies ahead.

        One that does not is when the broker was asked: what was appended before it, the answer tells of.  Waits for
        ever where no timer waits, or where something lies behind ``position``: that is on its way.
        """
        wake = self._source.next_wake(self._tp.partition)
        if wake is None:
            await _for_ever()
        if wake != self._worked_ahead_of:
            await self._until(wake - self._source.options.timers_ahead_s)
            if self._source.clock() < wake:
                self._worked_ahead_of = wake
                return wake, True
        await self._until(wake)
        asked_at = self._source.clock()
        if not await self.is_clear(position):
            await _for_ever()
        return asked_at, False

    async def comes(self, moment: float, others: Collection[asyncio.Future[Any]]) -> bool:
        """Wait until ``moment``; false when one of ``others`` is done before, or the clock was set back meanwhile."""
        sleep = asyncio.create_task(self._until(moment))
        limit = self._source.options.timers_ahead_s + CLOCK_LOOK_S
        try:
            await asyncio.wait({sleep, *others}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            return sleep.done() and not any(other.done() for other in others)
        finally:
            sleep.cancel()

    async def is_clear(self, position: int) -> bool:
        """Whether nothing lies behind ``position``, by the broker's word of this moment."""
        if self._ends is None:
            raise TypeError(f"Expected something that tells the end of {self._tp.topic}, whose source is woken")
        return await self._ends.end(self._tp) <= position

    async def _until(self, moment: float) -> None:
        """Until the source's clock has reached ``moment``: the loop's own runs apart from it, and it may be set."""
        left = moment - self._source.clock()
        while left > 0:
            await asyncio.sleep(min(left, CLOCK_LOOK_S))
            left = moment - self._source.clock()


async def _for_ever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError
