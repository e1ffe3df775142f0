"""``redpanda`` (also ``event``): a reading on a telemetry topic starts the process.

A reading is ``{"tags": {…}, "fields": {…}, "timestamp": …}``.  The compiled form is what the router asks of each one:
does it start the process, for which key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.expressions import (
    Expression,
    ExpressionError,
    MissingError,
    Path,
    compile_expression,
    compile_path,
)
from streams.core.ids import key_text
from streams.core.mqtt_filters import matches
from streams.core.scalars import Condition, Duration, PathText, Topic
from streams.core.triggers.base import Mode, Trigger

READING_FIELDS = ("tags", "fields", "timestamp")
_DEVICE = compile_path("tags.device_id")
_Conditions = Annotated[tuple[Condition, ...], Field(strict=False, min_length=1, max_length=50)]


class ReadingTrigger(Trigger):
    """What the router evaluates: a trigger on the readings of ``topic``.

    Without a condition every reading starts the process.

    ``key`` is a path to the business key, by default ``tags.device_id``, else the record's key.  ``priority``: when a
    reading starts several processes, the highest first.  ``max_age``: a reading older than this starts nothing, so that
    a backlog does not.  It is as old as its own ``timestamp`` or its arrival says, whichever is earlier; without
    ``device_time`` as its arrival says, for devices whose clocks are wrong.
    """

    live: ClassVar[bool] = True
    """Whether the readings of ``topic`` are of a quantity that variables may follow."""
    starts_each: ClassVar[bool] = True
    """Whether a reading that matches is a start, and not only part of one."""

    condition: Condition | None = None
    all: _Conditions | None = None
    any: _Conditions | None = None
    key: PathText | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    max_age: Annotated[Duration, Field(json_schema_extra={"default": "10m"})] = 600_000
    device_time: bool = True

    @model_validator(mode="after")
    def _one_form_of_condition(self) -> Self:
        given = [name for name in ("condition", "all", "any") if getattr(self, name) is not None]
        if len(given) > 1:
            raise PydanticCustomError(
                "conditions",
                "Expected one of 'condition', 'all' and 'any', but got {given}",
                {"given": " and ".join(map(repr, given)), "field": given[1], "fix": "Put them in one list"},
            )
        return self

    def sources(self) -> frozenset[str] | None:
        return None

    def reads(self) -> Iterable[tuple[tuple[str | int, ...], Expression]]:
        if self.condition is not None:
            yield ("condition",), compile_expression(self.condition)
        for name, conditions in (("all", self.all), ("any", self.any)):
            for index, text in enumerate(conditions or ()):
                yield (name, index), compile_expression(text)

    @property
    def listens_to(self) -> str | None:
        """The telemetry topic, where the definition names it."""
        return None

    def routed(self, routes: Mapping[str, str]) -> str | None:  # noqa: ARG002 - who names the topic needs no route
        """The telemetry topic, found by ``routes``: topics by the MQTT filter that the bridge carries into them.

        ``None`` when no route leads there.
        """
        return self.listens_to

    def compiled(self, topic: str) -> "TelemetryTrigger":
        """The runtime form on the telemetry topic ``topic``."""
        return TelemetryTrigger(
            kind=self.type,
            topic=topic,
            conditions=tuple(expression for _, expression in self.reads()),
            needs_all=self.any is None,
            key=None if self.key is None else compile_path(self.key),
            mode=self.mode,
            priority=self.priority,
            max_age_ms=self.max_age,
            device_time=self.device_time,
            cooldown_ms=self.cooldown or 0,
        )


class RedpandaTrigger(ReadingTrigger):
    """Names its topic."""

    type: Literal["redpanda"]
    topic: Topic

    @property
    def listens_to(self) -> str:
        return self.topic


@dataclass(frozen=True, slots=True)
class TelemetryTrigger:
    """A compiled ``ReadingTrigger``; ``needs_all`` tells how ``conditions`` combine.

    ``event``: what ``tags.event`` of a reading must be, and ``filters`` what must hold besides, before the conditions.
    ``mqtt``: the filter that the MQTT topic of a reading must match.  ``index``: the trigger's place in the definition.
    """

    topic: str
    conditions: tuple[Expression, ...]
    needs_all: bool
    key: Path | None
    mode: Mode
    priority: int
    max_age_ms: int
    device_time: bool = True
    kind: str = "redpanda"
    event: str | None = None
    filters: tuple[Expression, ...] = ()
    mqtt: str | None = None
    index: int = 0
    cooldown_ms: int = 0

    def matches(self, reading: dict[str, Any], mqtt_topic: str | None = None) -> bool | None:
        """Does ``reading`` start the process?  ``None`` is no, since a condition reads a field that is absent or null.

        ``mqtt_topic`` is what it came on, if over MQTT.  Raises ``ExpressionError`` when a condition fails for another
        reason, such as a text where a number should be.
        """
        if self.mqtt is not None and (mqtt_topic is None or not matches(self.mqtt, mqtt_topic)):
            return False
        if self.event is not None:
            if reading.get("tags", {}).get("event") != self.event:
                return False
            if not (passes := hold(self.filters, reading, needs_all=True)):
                return passes
        return hold(self.conditions, reading, needs_all=self.needs_all)

    def key_of(self, reading: dict[str, Any], record_key: str | None) -> str | None:
        """The business key: ``trigger.key``, else ``tags.device_id``, else the record's key; 5.0 is ``5``."""
        for path in (self.key, _DEVICE):
            if path is not None and (key := key_text(path.get(reading))) is not None:
                return key
        return key_text(record_key)


def hold(conditions: tuple[Expression, ...], reading: dict[str, Any], *, needs_all: bool) -> bool | None:
    """Whether all, or any, of the conditions hold; returns and raises like ``TelemetryTrigger.matches``."""
    absent = False
    for condition in conditions:
        try:
            holds = condition.test(reading)
        except MissingError:
            absent = True
            continue
        except ExpressionError:
            if not condition.reads_null(reading):
                raise
            absent = True
            continue
        if holds is not needs_all:
            return holds
    return None if absent else needs_all
