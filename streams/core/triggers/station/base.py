"""What the station's triggers share: the topic of its events, and filters over them.

An event of the station is a reading on ``station-events``: ``tags`` say what happened to whom (``event``, and ids such
as ``user_id``, ``zone_id``, ``alert_id``; null where there is none), ``fields`` the rest, ``timestamp`` when.  Events
are no quantity that could be followed, so variables taken from one are not live.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from streams.core.expressions import Expression, compile_expression, compile_path
from streams.core.scalars import Part
from streams.core.triggers.redpanda import ReadingTrigger, TelemetryTrigger

STATION_TOPIC = "station-events"

Test = Callable[[Any], str]
"""From the value of a filter's field to a condition over an event."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Name = Annotated[str, Field(min_length=1, max_length=100)]
Names = Annotated[
    tuple[_Name, ...],
    Field(strict=False, min_length=1, max_length=30, description="One of them, or a list: any of them"),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
]


def literal(value: Any) -> str:
    """``value`` (a text or a list of texts) as CEL."""
    return json.dumps(value, ensure_ascii=False)


def one_of(path: str) -> Test:
    """The value at ``path`` is one of those wanted."""
    return lambda wanted: f"{path} in {literal(wanted)}"


def any_in(path: str) -> Test:
    """The list at ``path`` has one of those wanted."""
    return lambda wanted: " || ".join(f"{literal(one)} in {path}" for one in wanted)


class Filter(Part):
    """The ``config`` of a trigger: which events it is about.  A field that is left out is true of all."""

    tests: ClassVar[Mapping[str, Test]]

    def expressions(self) -> tuple[Expression, ...]:
        """The conditions over an event that the fields stand for."""
        given = {name: getattr(self, name) for name in self.tests}
        return tuple(compile_expression(self.tests[name](value)) for name, value in given.items() if value is not None)


class StationTrigger(ReadingTrigger):
    """``type`` is the event's name.  The key is by default the id at ``default_key``."""

    live: ClassVar[bool] = False
    default_key: ClassVar[str] = "tags.user_id"

    config: Filter

    @property
    def listens_to(self) -> str:
        return STATION_TOPIC

    def compiled(self, topic: str) -> TelemetryTrigger:
        plain = super().compiled(topic)
        key = compile_path(self.default_key) if plain.key is None else plain.key
        return replace(plain, key=key, event=self.type, filters=self.config.expressions())
