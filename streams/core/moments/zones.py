"""Time zones by their IANA names, from the pinned package ``tzdata``: the same rules on every machine.

A system's own zone files may be older, newer or absent, and two workers must agree on when something is due.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


class UnknownZoneError(ValueError):
    """No time zone has this name."""


@cache
def zone(name: str) -> ZoneInfo:
    """The zone ``name``, such as ``Europe/Berlin``.  Raises ``UnknownZoneError``."""
    if name not in zone_names():
        raise UnknownZoneError(name)
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def zone_names() -> frozenset[str]:
    """All names there are."""
    return frozenset((files("tzdata") / "zones").read_text().split())
