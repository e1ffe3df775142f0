"""Times as a wall clock shows them: what timers and triggers of the clock have in common.

A time of day (``22:00``) or a date and time (``2026-12-24T18:00``, with or without an offset), in a time zone.
"""

from datetime import UTC, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from streams.core.durations import instant_ms, planned_ms
from streams.core.moments import Daily, UnknownZoneError, zone
from streams.core.moments.walls import first_instant
from streams.core.moments.zones import zone_names
from streams.core.suggest import suggest


def _zone(name: str) -> str:
    try:
        zone(name)
    except UnknownZoneError:
        fix = suggest(name, sorted(zone_names()), "time zone")
        raise PydanticCustomError("zone", "Unknown time zone {name}", {"name": repr(name), "fix": fix}) from None
    return name


ZoneName = Annotated[str, AfterValidator(_zone), Field(description="IANA name: Europe/Berlin", examples=["UTC"])]


def parse_wall_time(text: str) -> datetime | time:
    """A time of day has no zone, a date and time may have one.  Raises ``ValueError`` for anything else, and for one
    that nobody lives to see.
    """
    for kind in (time, datetime):
        try:
            found = kind.fromisoformat(text)
        except ValueError:
            continue
        if isinstance(found, datetime) and len(text) > len("2026-12-24"):
            planned_ms(found if found.tzinfo else found.replace(tzinfo=UTC))
            return found
        if isinstance(found, time) and found.tzinfo is None and ":" in text:
            return found.replace(microsecond=0)
    raise ValueError(
        f"Expected a time of day such as '06:00', or a date and time such as '2026-12-24T18:00', but got {text!r:.200}"
    )


def check_wall_time(text: str) -> str:
    """``text``, for a field of a model.  Raises ``PydanticCustomError``."""
    try:
        parse_wall_time(text)
    except ValueError as error:
        raise PydanticCustomError("wall_time", "{message}", {"message": str(error)}) from None
    return text


def wall_ms(wall: datetime, where: ZoneInfo) -> int:
    """The date and time, by the clock of ``where`` when it has no offset: Unix ms.  One that it skips is right after
    the gap, one that it shows twice the first of the two (``moments.walls``).
    """
    if wall.tzinfo:
        return instant_ms(wall)
    by_offset_before = instant_ms(wall.replace(tzinfo=where))
    if instant_ms(wall.replace(tzinfo=where, fold=1)) < by_offset_before:  # the offset grows: it is in the gap
        return first_instant(wall.replace(microsecond=0), where) * 1000
    return by_offset_before


def next_wall_time_ms(text: str, after_ms: int, where: ZoneInfo) -> int:
    """When the clock of ``where`` shows the time: Unix ms; that of a time of day is the first later than ``after_ms``.

    Raises ``ValueError``.
    """
    wall = parse_wall_time(text)
    if isinstance(wall, datetime):
        return wall_ms(wall, where)
    following = Daily((wall,), where).next_after(after_ms)
    assert following is not None
    return following
