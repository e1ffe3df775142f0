"""What the deployed definitions ask of the readings of each telemetry topic, compiled for the router."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from streams.core.process import Process
from streams.core.triggers import CompiledPattern, TelemetryTrigger


class Definitions(Protocol):
    """The deployed definitions, compiled."""

    @property
    def generation(self) -> int:
        """Increases with every definition that becomes known."""

    def active(self) -> Iterable[Process]:
        """The version of each definition that starts instances, where one does."""

    def all(self) -> Iterable[Process]:
        """Every version of every definition."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Who asks for the readings of a topic: ``starts`` by priority, ``live`` once for each way to find the key."""

    starts: tuple[tuple[Process, TelemetryTrigger], ...] = ()
    patterns: tuple[tuple[Process, CompiledPattern], ...] = ()
    live: tuple[TelemetryTrigger, ...] = ()


def index_of(definitions: Definitions) -> dict[str, Interest]:
    """By topic."""
    starts: dict[str, list[tuple[Process, TelemetryTrigger]]] = {}
    patterns: dict[str, list[tuple[Process, CompiledPattern]]] = {}
    live: dict[str, dict[str | None, TelemetryTrigger]] = {}
    for process in definitions.active():
        for trigger in process.triggers:
            starts.setdefault(trigger.topic, []).append((process, trigger))
        for pattern in process.patterns:
            patterns.setdefault(pattern.topic, []).append((process, pattern))
    for process in definitions.all():
        for trigger in process.heard:
            if trigger.topic in process.live_topics:
                path = None if trigger.key is None else trigger.key.text
                live.setdefault(trigger.topic, {})[path] = trigger
    return {
        topic: Interest(
            tuple(sorted(starts.get(topic, ()), key=lambda start: (-start[1].priority, start[0].id))),
            tuple(patterns.get(topic, ())),
            tuple(live.get(topic, {}).values()),
        )
        for topic in starts.keys() | patterns.keys() | live.keys()
    }
