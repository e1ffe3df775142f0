"""Plant time as a pure function of wall time.

In production plant time is wall time.  A demo or a backtest runs the plant faster: five minutes of plant may pass in
100 ms of wall time, and then every trigger, timer and timestamp of the plant follows this one function.
"""

from dataclasses import dataclass

from streams.core.durations import parse_instant_ms


@dataclass(frozen=True, slots=True)
class PlantClock:
    """``plant = plant_epoch_ms + (wall - wall_epoch_ms) * factor``; all instants are Unix milliseconds (UTC)."""

    wall_epoch_ms: int = 0
    plant_epoch_ms: int = 0
    factor: float = 1.0

    def plant_ms(self, wall_ms: float) -> int:
        """The plant's time at ``wall_ms``."""
        if self.factor == 1.0:
            return int(wall_ms) + self.plant_epoch_ms - self.wall_epoch_ms
        return self.plant_epoch_ms + int((wall_ms - self.wall_epoch_ms) * self.factor)

    def wall_ms(self, plant_ms: float) -> float:
        """The wall time at which the plant shows ``plant_ms``."""
        return self.wall_epoch_ms + (plant_ms - self.plant_epoch_ms) / self.factor

    @classmethod
    def parse(cls, text: str) -> "PlantClock":
        """``wall``, or ``<plant epoch>@<wall epoch>x<factor>``.

        For example ``2013-12-10T06:25:00Z@2026-11-21T02:00:00Zx3000``.  Raises ``ValueError``.
        """
        if text == "wall":
            return cls()
        try:
            plant, rest = text.split("@", 1)
            wall, factor = rest.rsplit("x", 1)
            clock = cls(parse_instant_ms(wall), parse_instant_ms(plant), float(factor))
        except ValueError as error:
            expected = "'wall' or '<plant epoch>@<wall epoch>x<factor>' with RFC 3339 instants"
            raise ValueError(f"Expected {expected}, but got {text!r}: {error}") from error
        if clock.factor <= 0:
            raise ValueError(f"Expected a clock factor above 0, but got {clock.factor}")
        return clock
