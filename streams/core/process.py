"""A process ready to run: everything in the definition compiled once, for the decider and the router to walk over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from streams.core.activities import Node, StartNode, compile_node
from streams.core.definition import ProcessDefinition
from streams.core.expressions import Path
from streams.core.reference import Reference
from streams.core.state import Feed
from streams.core.triggers import (
    ApiTrigger,
    CompiledPattern,
    CompiledPoll,
    CompiledTimer,
    DatabaseTrigger,
    MessageTrigger,
    Mode,
    PatternTrigger,
    ReadingTrigger,
    TelemetryTrigger,
    TimerTrigger,
    compile_pattern,
    compile_poll,
    compile_timer,
)
from streams.core.triggers.base import DEFAULT_QUEUE
from streams.core.variables import CompiledVariable, VariablesError, compile_variable, initial_values, sourced_values

NO_ROUTES: Mapping[str, str] = MappingProxyType({})

__all__ = ["Process", "UnusableError", "VariablesError", "compile_process"]


class UnusableError(ValueError):
    """A deployed definition that this Weir does not compile: its limits were others when it was deployed."""


@dataclass(frozen=True, slots=True)
class Process:
    """``max`` is how many instances a key may have; ``cooldowns`` in ms by the trigger's place in the definition;
    ``by_hand`` is the place of the trigger ``api``.

    ``triggers`` are those by which a reading starts it, ``patterns`` those by which several do, ``heard`` both: the
    ways in which it finds topic and key; ``timers`` are those of the clock, ``polls`` those of databases, ``messages``
    the names of those that start it; ``first`` is the ``start``'s id.  ``reference`` makes what people call
    an instance.

    ``live_topics`` has, for each telemetry topic, the variables that follow its readings and where those have them.
    """

    definition: ProcessDefinition
    triggers: tuple[TelemetryTrigger, ...]
    patterns: tuple[CompiledPattern, ...]
    heard: tuple[TelemetryTrigger, ...]
    timers: tuple[CompiledTimer, ...]
    polls: tuple[CompiledPoll, ...]
    messages: frozenset[str]
    mode: Mode
    max: int | None
    cooldowns: Mapping[int, int]
    by_hand: int | None
    variables: Mapping[str, CompiledVariable]
    live_topics: Mapping[str, tuple[tuple[str, Path], ...]]
    activities: Mapping[str, Node]
    first: str
    reference: Reference | None

    @property
    def id(self) -> str:
        return self.definition.id

    @property
    def version(self) -> int:
        return self.definition.version

    @property
    def name(self) -> str:
        return self.definition.name

    def feed(self, topic: str, key: str) -> Feed:
        """Where the latest reading of ``key`` on ``topic`` is kept: by the way in which the trigger finds the key."""
        path = next(trigger.key for trigger in self.heard if trigger.topic == topic)
        return Feed(topic, "" if path is None else path.text, key)

    def feeds(self, key: str) -> list[Feed]:
        """All that the live variables of an instance of ``key`` follow."""
        return [self.feed(topic, key) for topic in self.live_topics]

    def pattern(self, index: int) -> CompiledPattern | None:
        """The pattern whose trigger has this place in the definition."""
        return next((one for one in self.patterns if one.index == index), None)

    def start_variables(self, reading: Mapping[str, Any]) -> dict[str, Any]:
        """What a start by ``reading`` brings along: the variables with a ``source``.

        Raises ``VariablesError`` when a required one is absent or one has the wrong type.
        """
        return sourced_values(self.variables, reading)

    def initial_variables(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All variables of a new instance; ``given`` is what its start brought along.

        Raises ``VariablesError``, also for a given variable that the definition does not declare.
        """
        return initial_values(self.variables, given)


def compile_process(definition: ProcessDefinition, routes: Mapping[str, str] = NO_ROUTES) -> Process:
    """``definition`` is one that ``parse`` has accepted.

    ``routes`` are the telemetry topics by the MQTT filter that the bridge carries into them; a trigger that none of
    them covers is left out: the topics have changed since it was deployed.
    """
    numbered = [(index, one) for index, one in enumerate(definition.triggers) if one.enabled]
    triggers = [(index, one) for index, one in numbered if isinstance(one, ReadingTrigger)]
    reading = [(index, one, topic) for index, one in triggers if (topic := one.routed(routes)) is not None]
    topics = tuple(dict.fromkeys(topic for _, _, topic in reading))
    followed = tuple(dict.fromkeys(topic for _, one, topic in reading if one.live))
    variables = {one.name: compile_variable(one, topics, followed) for one in definition.variables}
    sourced = [one.model_dump(mode="json") for one in definition.variables if one.source is not None]
    live = tuple((one.name, one.path) for one in variables.values() if one.live and one.path is not None)
    nodes = [compile_node(one) for one in definition.all_activities()]
    heard = tuple(replace(one.compiled(topic), index=index) for index, one, topic in reading)
    return Process(
        definition=definition,
        triggers=tuple(one for one, (_, model, _) in zip(heard, reading, strict=True) if model.starts_each),
        patterns=tuple(
            compile_pattern(index, one, sourced) for index, one in numbered if isinstance(one, PatternTrigger)
        ),
        heard=heard,
        timers=tuple(
            compile_timer(index, one, definition.id) for index, one in numbered if isinstance(one, TimerTrigger)
        ),
        polls=tuple(compile_poll(index, one) for index, one in numbered if isinstance(one, DatabaseTrigger)),
        messages=frozenset(one.name for _, one in numbered if isinstance(one, MessageTrigger)),
        mode=(mode := definition.triggers[0].mode),
        max=definition.triggers[0].max or (DEFAULT_QUEUE if mode == "queued" else None),
        cooldowns={
            index: one.cooldown
            for index, one in numbered
            if one.cooldown is not None and not isinstance(one, PatternTrigger)  # which keeps its own, in event time
        },
        by_hand=next((index for index, one in numbered if isinstance(one, ApiTrigger)), None),
        variables=variables,
        live_topics=dict.fromkeys(followed, live) if live else {},
        activities={node.id: node for node in nodes},
        first=next(node.id for node in nodes if isinstance(node, StartNode)),
        reference=None if definition.reference is None else Reference(definition.reference),
    )
