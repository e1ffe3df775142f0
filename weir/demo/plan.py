"""What the demo plays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

from weir.demo.oracle import AT_ONCE, Expectation, expect
from weir.demo.series import Series

SLOWEST_TICK_S = 2.0
STEP_S = 0.1
MOST_OF_A_TICK = 0.5
"""What an answer may take of it: with more, instances miss the reading after their timer now and then."""


@dataclass(frozen=True)
class Plan:
    """What to play: one series a machine, the threshold in the series' unit, and the wall time of a tick in seconds.

    ``fixed``: the tick is the user's choice, whatever the machine can keep up with.
    """

    machines: Sequence[Series]
    threshold: float
    tick_s: float
    fixed: bool = False

    @property
    def interval(self) -> timedelta:
        """The plant time of a tick."""
        return self.machines[0].interval

    @property
    def longest(self) -> int:
        """Readings of the longest series."""
        return max(len(series.readings) for series in self.machines)

    @property
    def readings(self) -> int:
        """Readings of all series."""
        return sum(len(series.readings) for series in self.machines)

    def expect(self, response: timedelta = AT_ONCE) -> Expectation:
        """What the oracle says of it, for a plant that takes ``response`` beyond the definition's own timer."""
        return expect([series.values for series in self.machines], self.threshold, self.interval, response)

    def slower(self, answer_s: float) -> "Plan | None":
        """The same with a longer tick, or ``None`` when this one suits or may not be changed.

        ``answer_s`` is the plant's median from a reading to its command, in seconds of wall time, measured while it
        had too much to do: a tick as long as that is enough to begin again with.
        """
        if self.fixed or answer_s <= MOST_OF_A_TICK * self.tick_s or self.tick_s >= SLOWEST_TICK_S:
            return None
        answer = ceil(answer_s / STEP_S) * STEP_S
        return replace(self, tick_s=round(min(SLOWEST_TICK_S, max(2 * self.tick_s, answer)), 3))
