"""A whole definition: what starts it, what it knows, what it does."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, TypedDict, Unpack

from streams.core.builder.body import Body
from streams.core.builder.options import Json, Reading, Span, Starts, written
from streams.core.definition import ProcessDefinition
from streams.core.parse import validate_definition
from streams.core.yaml_text import yaml_text

TRIGGER_METHODS: dict[str, str] = {
    "redpanda": "on_reading",
    "mqtt": "on_mqtt",
    "api": "on_start",
    "timer": "on_time",
    "pattern": "on_pattern",
    "database": "on_rows",
    "message": "on_message",
}
"""The method of each kind of trigger; those of the station are all ``on_event``."""
StationEvent = Literal[
    "zone_entry",
    "zone_exit",
    "alert_created",
    "alert_acknowledged",
    "alert_resolved",
    "message_received",
    "bot_trigger_fired",
    "user_online",
    "user_offline",
    "user_registered",
    "user_group_changed",
]


class HEAD(TypedDict, total=False):
    """What holds for the whole definition."""

    name: str
    description: str
    category: str
    labels: Mapping[str, str]
    timeout: Span
    max_steps: int
    concurrency: int
    on_failure: Literal["fail", "incident"]
    on_resume: Literal["fire", "shift"]
    reference: str


class Process(Body):
    """A definition to be built.  Methods add to it and return it; ``build`` may be called any number of times."""

    def __init__(self, definition_id: str, *, version: int = 1, **head: Unpack[HEAD]) -> None:
        super().__init__()
        self._head = {"id": definition_id, "version": version, **written(head)}
        self._triggers: list[dict[str, Any]] = []
        self._variables: list[dict[str, Any]] = []

    # ---- what starts it

    def on(self, kind: str, /, **fields: Json) -> Self:
        """A trigger of any kind, by the names of its fields in YAML; one that Python cannot write gets a ``_``."""
        self._triggers.append({"type": kind, **written(fields)})
        return self

    def on_start(self, **starts: Unpack[Starts]) -> Self:
        """People and services start it."""
        return self.on("api", **starts)

    def on_reading(self, topic: str, **reading: Unpack[Reading]) -> Self:
        """A reading on a telemetry topic."""
        return self.on("redpanda", topic=topic, **reading)

    def on_mqtt(self, topic: str, **reading: Unpack[Reading]) -> Self:
        """A message on an MQTT topic, or on those that match a filter."""
        return self.on("mqtt", topic=topic, **reading)

    def on_time(
        self,
        *,
        every: Span | None = None,
        offset: Span | None = None,
        cron: str | None = None,
        at: Sequence[str] | str | None = None,
        time_zone: str | None = None,
        jitter: Span | None = None,
        key: str | None = None,
        catch_up: Literal["none", "last", "all"] | None = None,
        max_age: Span | None = None,
        max_catch_up: int | None = None,
        **starts: Unpack[Starts],
    ) -> Self:
        """An interval, a clock, or a list of moments."""
        return self.on(
            "timer",
            every=every,
            offset=offset,
            cron=cron,
            at=at,
            time_zone=time_zone,
            jitter=jitter,
            key=key,
            catch_up=catch_up,
            max_age=max_age,
            max_catch_up=max_catch_up,
            **starts,
        )

    def on_pattern(
        self,
        topic: str,
        *,
        for_: Span | None = None,
        deadband: Mapping[str, Json] | None = None,
        off_delay: Span | None = None,
        re_alarm: Span | None = None,
        max_gap: Span | None = None,
        count: int | None = None,
        sequence: Sequence[str] | None = None,
        within: Span | None = None,
        absent: Span | None = None,
        keys: Sequence[str] | None = None,
        lateness: Span | None = None,
        **reading: Unpack[Reading],
    ) -> Self:
        """Readings of a key that mean something together."""
        return self.on(
            "pattern",
            topic=topic,
            for_=for_,
            deadband=deadband,
            off_delay=off_delay,
            re_alarm=re_alarm,
            max_gap=max_gap,
            count=count,
            sequence=sequence,
            within=within,
            absent=absent,
            keys=keys,
            lateness=lateness,
            **reading,
        )

    def on_message(self, name: str, **starts: Unpack[Starts]) -> Self:
        """A message that nobody waits for."""
        return self.on("message", name=name, **starts)

    def on_rows(
        self,
        query: str,
        *,
        watermark: Sequence[str] | str,
        every: Span,
        params: Mapping[str, Json] | None = None,
        start: Literal["now", "beginning"] | None = None,
        limit: int | None = None,
        database: str | None = None,
        key: str | None = None,
        **starts: Unpack[Starts],
    ) -> Self:
        """Each new row of a query."""
        return self.on(
            "database",
            query=query,
            watermark=watermark,
            every=every,
            params=params,
            start=start,
            limit=limit,
            database=database,
            key=key,
            **starts,
        )

    def on_event(
        self, event: StationEvent, *, config: Mapping[str, Json] | None = None, **reading: Unpack[Reading]
    ) -> Self:
        """What happens at the station: a person enters a zone, an alert is created."""
        return self.on(event, config=config, **reading)

    # ---- what it knows

    def variable(
        self,
        name: str,
        *,
        source: str | None = None,
        value: Json = None,
        default: Json = None,
        required: bool | None = None,
        type_: Literal["string", "number", "integer", "boolean", "object", "array"] | None = None,
        live: bool | None = None,
    ) -> Self:
        """A variable."""
        fields = {"source": source, "value": value, "default": default, "required": required, "type": type_}
        self._variables.append({"name": name, **written({**fields, "live": live})})
        return self

    # ---- what it is

    def data(self) -> dict[str, Any]:
        """As YAML would have it, before anything is checked."""
        parts = {"triggers": self._triggers, "variables": self._variables, "activities": self.activities}
        return {**self._head, **{name: part for name, part in parts.items() if part}}

    def build(self) -> ProcessDefinition:
        """The definition.  Raises ``DefinitionError`` with every problem."""
        return validate_definition(self.data(), f"Process({self._head['id']!r})")

    def text(self) -> str:
        """YAML that parses to what ``build`` returns."""
        return yaml_text(self.data())
