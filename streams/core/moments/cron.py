"""``cron: "0 6 * * 1-5"`` with a time zone: five fields, or a nickname such as ``@daily``.

``cronsim`` reads the expression and finds the next wall time; what happens when the clock is put forward or back is in
``walls``.  (Its own way with time zones goes in whole hours: in Australia/Lord_Howe, whose clocks move by 30 minutes,
it leaves out 03:00 and 03:15 of ``*/15 3 * * *`` on that day, and 02:30 of ``30 * * * *``.)
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from streams.core.moments.walls import next_shown, next_time_of_day

FIELDS = 5
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_SOME_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - as wall time


class CronError(ValueError):
    """No cron expression, or one that never comes."""


def parse_cron(text: str) -> CronSim:
    """The schedule without a zone.  Raises ``CronError``."""
    expression = NICKNAMES.get(text.strip().lower(), text)
    fields = expression.split()
    if len(fields) != FIELDS:
        raise CronError(
            f"Expected five fields (minute, hour, day of month, month, day of week) or one of "
            f"{', '.join(NICKNAMES)}, but got {text!r}"
        )
    try:
        schedule = CronSim(" ".join(fields), _SOME_DAY)
        next(copy(schedule))
    except CronSimError as error:
        raise CronError(f"Expected a cron expression, but got {text!r}: {str(error).lower()}") from None
    except StopIteration:
        raise CronError(f"Expected a cron expression that comes some day, but {text!r} never does") from None
    return schedule


@dataclass(frozen=True, slots=True)
class Cron:
    """``schedule`` is read-only; ``shown``: it comes whenever the clock shows a time that it names (see ``walls``)."""

    schedule: CronSim
    zone: ZoneInfo
    shown: bool

    @classmethod
    def of(cls, text: str, zone: ZoneInfo) -> "Cron":
        """Raises ``CronError``."""
        schedule = parse_cron(text)
        minute, hour = schedule.parts[1:3]
        return cls(schedule, zone, shown=minute.startswith("*") or hour.startswith("*"))

    def next_after(self, ms: int) -> int | None:
        """The first moment later than ``ms``; ``None`` when there is none within 50 years."""
        find = next_shown if self.shown else next_time_of_day
        found = find(self._next_wall, self.zone, ms // 1000)
        return None if found is None else found * 1000

    def _next_wall(self, at: datetime) -> datetime | None:
        walk = copy(self.schedule)
        walk.dt = at
        return next(walk, None)
