"""What the demo plays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from weir.demo.oracle import AT_ONCE, Expectation, expect
from weir.demo.series import Series


@dataclass(frozen=True)
class Plan:
    """What to play: one series a machine, the threshold in the series' unit, and the wall time of a tick in seconds."""

    machines: Sequence[Series]
    threshold: float
    tick_s: float

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
