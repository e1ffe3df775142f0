"""The time that a device gives its reading: data, and never trusted alone.

A device without a clock says nothing or begins at 1970; one with a wrong clock says anything.  So its time counts only
where it can be one, beside the time of arrival.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

EARLIEST_US = 978_307_200_000_000
"""2001-01-01 in Unix microseconds: clocks that were never set begin at 1970 or 2000."""
AHEAD_US = 86_400_000_000
"""How far a device may be ahead of the record's arrival, in microseconds: a day, for local time sent as UTC."""

_MILLISECONDS_FROM = 1e11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def device_us(timestamp: Any) -> int | None:
    """A device's ``timestamp`` in Unix microseconds: RFC 3339 text (UTC without a zone), seconds or milliseconds."""
    try:
        if isinstance(timestamp, str):
            moment = datetime.fromisoformat(timestamp)
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
        if isinstance(timestamp, int | float) and not isinstance(timestamp, bool):
            return round(timestamp * (1_000_000 if abs(timestamp) < _MILLISECONDS_FROM else 1_000))
    except (ValueError, OverflowError):
        return None
    return None


def plausible_us(timestamp: Any, arrived_us: int) -> int | None:
    """``device_us`` where it can be the time of a reading that arrived at ``arrived_us``; both are plant time."""
    us = device_us(timestamp)
    return us if us is not None and EARLIEST_US <= us <= arrived_us + AHEAD_US else None
