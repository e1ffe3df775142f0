"""What a wall clock does to a schedule when it is put forward or back.

The rules are those of cron daemons (Debian's cron, ``cron(8)``, "Special considerations"):

* A time of day that is skipped, since the clock is put forward, comes once: at the first moment after the gap.
* A time of day that is there twice, since the clock is put back, comes once: the first time.
* A schedule that goes by every minute or every hour (``*`` in front of either field) is no time of day: it comes
  whenever the clock shows a time that it names, so never in the gap, and twice where the clock shows it twice.

A clock is put forward by any number of minutes: by 30 in ``Australia/Lord_Howe``, by a whole day in ``Pacific/Apia``.

Wall times are ``datetime`` without a zone, instants whole seconds (Unix, UTC).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as wall time
_SECOND = timedelta(seconds=1)
SPAN_S = 7 * 86_400
"""A step in which a zone changes its offset at most once.  The shortest known time between two changes is longer, where
fasting interrupts summer time."""

NextWall = Callable[[datetime], datetime | None]
"""The first wall time after the given one, by the schedule alone."""


def next_time_of_day(next_wall: NextWall, zone: ZoneInfo, s: int) -> int | None:
    """The first instant after ``s`` of a schedule that names times of day."""
    at: datetime | None = wall(s, zone)
    # Wall times before this one have come.  Where the clock was put back, those that follow may have come as well.
    while at is not None:
        at = next_wall(at)
        if at is not None and (instant := first_instant(at, zone)) > s:
            return instant
    return None


def next_shown(next_wall: NextWall, zone: ZoneInfo, s: int) -> int | None:
    """The first instant after ``s`` at which the clock shows a time of the schedule."""
    while True:
        offset = offset_s(s, zone)
        at = next_wall(_EPOCH + (s + offset) * _SECOND)
        if at is None:
            return None
        instant = _seconds(at) - offset
        changed = _first_change(s, min(instant, s + SPAN_S), offset, zone)
        if changed is not None:  # the clock shows another time from there on, which may be one of the schedule's
            s = changed
            shown = wall(s, zone)
            if next_wall(shown - _SECOND) == shown:
                return s
        elif instant <= s + SPAN_S:
            return instant
        else:
            s += SPAN_S


def wall(s: int, zone: ZoneInfo) -> datetime:
    """What the clock shows at an instant."""
    return _EPOCH + (s + offset_s(s, zone)) * _SECOND


def first_instant(at: datetime, zone: ZoneInfo) -> int:
    """When the clock first shows ``at``; where it never does, the end of the gap that ``at`` is in."""
    before = _seconds(at) - _whole(at.replace(tzinfo=zone, fold=0).utcoffset())
    if wall(before, zone) == at:
        return before
    # In a gap PEP 495 gives the offset before it for fold=0 and the one after it for fold=1.
    after = _seconds(at) - _whole(at.replace(tzinfo=zone, fold=1).utcoffset())
    low, high = min(before, after), max(before, after)
    changed = _first_change(low, high, offset_s(low, zone), zone)
    assert changed is not None
    return changed


def offset_s(s: int, zone: ZoneInfo) -> int:
    """Seconds that the clock is ahead of UTC at an instant."""
    return _whole(datetime.fromtimestamp(s, UTC).astimezone(zone).utcoffset())


def _first_change(low: int, high: int, offset: int, zone: ZoneInfo) -> int | None:
    """The first instant in ``(low, high]`` with another offset than ``low`` has; at most one change is in there."""
    if offset_s(high, zone) == offset:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if offset_s(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


def _seconds(at: datetime) -> int:
    return (at - _EPOCH) // _SECOND


def _whole(offset: timedelta | None) -> int:
    assert offset is not None
    return offset // _SECOND
