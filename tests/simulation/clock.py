"""What the time is, for whoever asks ``time``: the loop's, and the process's own error with it."""

from tests.simulation.loop import VirtualLoop
from tests.simulation.process import OWNER

EPOCH = 1_700_000_000.0
"""Unix seconds at the loop's zero."""


class Clock:
    """Functions that stand for those of ``time`` while a run is on."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def time(self) -> float:
        return EPOCH + self._loop.now + OWNER.get().clock_ahead_s

    def monotonic(self) -> float:
        return self._loop.now

    perf_counter = monotonic

    def perf_counter_ns(self) -> int:
        return int(self._loop.now * 1e9)
