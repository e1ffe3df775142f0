"""``every: 5m``: multiples of an interval, counted from the Unix epoch (UTC), so that they are the same on any worker.

``every: 1h`` comes at the full hour, ``every: 1h`` with ``offset: 10m`` ten minutes later.  No time zone: an interval
is real time, and no clock that is put back makes it longer.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Every:
    """``interval_ms`` and ``offset_ms`` in milliseconds."""

    interval_ms: int
    offset_ms: int = 0

    def next_after(self, ms: int) -> int:
        """The first multiple later than ``ms``."""
        return ((ms - self.offset_ms) // self.interval_ms + 1) * self.interval_ms + self.offset_ms
