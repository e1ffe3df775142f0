"""``at``: times of day, and instants that come once."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from streams.core.moments.walls import next_time_of_day


@dataclass(frozen=True, slots=True)
class Once:
    """Instants in Unix milliseconds, in order, none twice."""

    instants: tuple[int, ...]

    def next_after(self, ms: int) -> int | None:
        """The first one later than ``ms``; ``None`` behind the last."""
        at = bisect_right(self.instants, ms)
        return self.instants[at] if at < len(self.instants) else None


@dataclass(frozen=True, slots=True)
class Daily:
    """Times of day, in order, none twice; with cron's rules for days on which the clock is put forward or back."""

    times: tuple[time, ...]
    zone: ZoneInfo

    def next_after(self, ms: int) -> int | None:
        """The first moment later than ``ms``."""
        found = next_time_of_day(self._next_wall, self.zone, ms // 1000)
        return None if found is None else found * 1000

    def _next_wall(self, at: datetime) -> datetime | None:
        later = next((one for one in self.times if one > at.time()), None)
        if later is not None:
            return datetime.combine(at, later)
        return datetime.combine(at + timedelta(days=1), self.times[0])
