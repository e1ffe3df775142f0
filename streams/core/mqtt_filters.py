"""MQTT topic filters (MQTT 3.1.1, section 4.7): ``+`` stands for one level, ``#`` for all that follow."""

from collections.abc import Mapping
from functools import lru_cache

MAX_LENGTH = 1_000


def check_filter(text: str) -> str:
    """``text``, when it is a filter.  Raises ``ValueError`` with what is wrong."""
    if not text or len(text) > MAX_LENGTH:
        raise ValueError(f"Expected an MQTT topic filter of 1 to {MAX_LENGTH} characters")
    *before, last = text.split("/")
    for level in (*before, last):
        if level not in ("+", "#") and ("+" in level or "#" in level):
            raise ValueError(f"Expected '+' and '#' to stand for a whole level, but got {level!r}")
    if "#" in before:
        raise ValueError("Expected '#' as the last level only")
    return text


def wildcard_part(mqtt_filter: str, mqtt_topic: str) -> str | None:
    """The levels of ``mqtt_topic`` that the filter's ``+`` and ``#`` stand for, joined by ``/``; ``None``: no match.

    A filter without wildcards yields the topic itself.
    """
    wanted, levels = mqtt_filter.split("/"), mqtt_topic.split("/")
    if levels[0].startswith("$") and wanted[0] in ("+", "#"):
        return None
    found: list[str] = []
    for at, level in enumerate(wanted):
        if level == "#":
            return "/".join(found + levels[at:])
        if at >= len(levels) or level not in ("+", levels[at]):
            return None
        if level == "+":
            found.append(levels[at])
    if len(levels) != len(wanted):
        return None
    return "/".join(found) if found else mqtt_topic


@lru_cache(maxsize=65_536)
def matches(mqtt_filter: str, mqtt_topic: str) -> bool:
    """Is it a topic of the filter?"""
    return wildcard_part(mqtt_filter, mqtt_topic) is not None


def covers(wide: str, narrow: str) -> bool:
    """Is every topic of the filter ``narrow`` one of ``wide`` as well?"""
    wanted, levels = wide.split("/"), narrow.split("/")
    if levels[0].startswith("$") and wanted[0] in ("+", "#"):
        return False
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(levels) or levels[at] == "#" or level not in ("+", levels[at]):
            return False
    return len(levels) == len(wanted)


def carrier(routes: Mapping[str, str], mqtt_filter: str) -> str | None:
    """The telemetry topic that holds every message of ``mqtt_filter``: that of the first route that covers it.

    ``routes`` are the telemetry topics by the filter that the bridge carries into them.
    """
    return next((topic for route, topic in routes.items() if covers(route, mqtt_filter)), None)
