"""Moments: when a schedule comes, as a pure function of the time asked about.

All instants are whole Unix milliseconds of plant time.  ``Every`` counts from the epoch, ``Cron`` and ``Daily`` go by a
time zone's wall clock, ``Once`` is a list of instants.  Wall clocks are put forward and back; what that does to a
schedule is told in ``walls``.
"""

from streams.core.moments.base import Moments, last_until, passed
from streams.core.moments.cron import Cron, CronError, parse_cron
from streams.core.moments.every import Every
from streams.core.moments.listed import Daily, Once
from streams.core.moments.zones import UnknownZoneError, zone

__all__ = [
    "Cron",
    "CronError",
    "Daily",
    "Every",
    "Moments",
    "Once",
    "UnknownZoneError",
    "last_until",
    "parse_cron",
    "passed",
    "zone",
]
