"""``zone_entry``, ``zone_exit``: somebody has come into a zone, or left it, as their positions tell."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from streams.core.triggers.station.base import Filter, Names, StationTrigger, Test, any_in, one_of


class ZoneFilter(Filter):
    """Which zone, and who; ``group_id``: members of a group."""

    tests: ClassVar[Mapping[str, Test]] = {
        "zone_id": one_of("tags.zone_id"),
        "user_id": one_of("tags.user_id"),
        "group_id": any_in("fields.groups"),
    }

    zone_id: Names | None = None
    user_id: Names | None = None
    group_id: Names | None = None


class ZoneEntryTrigger(StationTrigger):
    """Fields: ``user_name``, ``zone_name``, ``groups``, ``lat``, ``lon``."""

    type: Literal["zone_entry"]
    config: ZoneFilter = Field(default_factory=ZoneFilter)


class ZoneExitTrigger(StationTrigger):
    """Fields as for ``zone_entry``, and ``seconds``: how long they were there."""

    type: Literal["zone_exit"]
    config: ZoneFilter = Field(default_factory=ZoneFilter)
