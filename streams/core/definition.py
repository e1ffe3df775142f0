"""A process definition in its canonical form: one way to say everything.

``parse`` accepts what people write, in either spelling, and yields this.  ``model_dump(mode="json")`` is what is stored
in ``process-definitions``; ``ProcessDefinition.model_validate`` of it gives an equal object.

The models hold what one part can tell of itself; what needs the whole (names, paths, loops) is for ``validation``.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import Field

from streams.core.actions.emit import EmitConfig
from streams.core.activities import KINDS, SERVICES, Activity, AnyDecision, Service
from streams.core.scalars import DefinitionId, Duration, Part, Text, TextTemplate, Title
from streams.core.triggers import TRIGGERS, DatabaseTrigger, MqttTrigger, ReadingTrigger, TimerTrigger, Trigger
from streams.core.variables import Variable

AnyTrigger: Any = Annotated[reduce(or_, TRIGGERS.values()), Field(discriminator="type")]


def _any_activity() -> Any:
    service: Any = Annotated[reduce(or_, SERVICES.values()), Field(discriminator="action")]
    forms = {"service": service, "decision": AnyDecision}
    kinds = [forms.get(name, kind.model) for name, kind in KINDS.items()]
    return Annotated[reduce(or_, kinds), Field(discriminator="type")]


AnyActivity: Any = _any_activity()


class Head(Part):
    """What names a definition, and what holds for all of it.

    A version never changes once deployed; new content is a new version.  An instance ends as timed out when it takes
    longer than ``timeout``, in plant time, and as failed behind ``max_steps`` activities.  ``on_failure`` is what an
    error leads to that nobody catches: the instance fails, or the token that it is in stays there as an incident, while
    others go on.

    ``concurrency``: how many instances run at once, whatever their keys; others wait in the order of their starts.
    ``on_resume``: what becomes of timers that came due while an instance was suspended: they fire at once, or all of
    its timers shift by as long as it stood still.  ``reference``: what people call an instance, made of the variables
    that it starts with (``reference.py``).
    """

    id: DefinitionId
    name: Title
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    description: Text | None = None
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    on_resume: Literal["fire", "shift"] = "fire"
    category: Title | None = None
    labels: Annotated[dict[Title, Title], Field(max_length=50)] = Field(default_factory=dict)
    timeout: Duration = 30 * 86_400_000
    max_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    on_failure: Literal["fail", "incident"] = "fail"
    reference: TextTemplate | None = None


@dataclass(frozen=True, slots=True)
class Unheard:
    """A topic that nobody writes to or reads, as far as ``redpanda/topics.yaml`` goes."""

    topic: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.message}. {self.fix}"


class ProcessDefinition(Head):
    """A whole definition: every activity has its ``next``, the first is a ``start``."""

    triggers: Annotated[tuple[AnyTrigger, ...], Field(strict=False)]
    variables: Annotated[tuple[Variable, ...], Field(strict=False)] = ()
    activities: Annotated[tuple[AnyActivity, ...], Field(strict=False)]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON: the same for every spelling of the same content.

        Without what is as by default: a field that a newer Weir has changes nothing of what was deployed before.
        """
        content = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def topics(self) -> tuple[str, ...]:
        """The telemetry topics that it names."""
        named = [one.listens_to for one in self.triggers if isinstance(one, ReadingTrigger)]
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def emits(self) -> tuple[str, ...]:
        """The topics that its activities write to."""
        configs = (one.config for one in self.all_activities() if isinstance(one, Service))
        return tuple(dict.fromkeys(one.topic for one in configs if isinstance(one, EmitConfig)))

    @property
    def scheduled(self) -> bool:
        """Whether a trigger lives in the schedule of the definition."""
        return any(isinstance(one, TimerTrigger | DatabaseTrigger) and one.enabled for one in self.triggers)

    def unheard(self, telemetry: Collection[str], routes: Mapping[str, str]) -> Unheard | None:
        """Why a trigger would hear nothing, or nobody an event.

        ``telemetry`` are the topics of ``redpanda/topics.yaml``, ``routes`` those by the MQTT filter that the bridge
        carries into them.
        """
        if undeclared := [topic for topic in (*self.topics, *self.emits) if topic not in telemetry]:
            message = f"Topic {', '.join(map(repr, undeclared))} is not declared"
            return Unheard(undeclared[0], message, "Add it under 'telemetry:' in redpanda/topics.yaml")
        for one in self.triggers:
            if isinstance(one, MqttTrigger) and one.routed(routes) is None:
                known = ", ".join(map(repr, routes)) or "none"
                message = f"No route carries all of MQTT topic {one.topic!r} (routes: {known})"
                fix = f"Add a topic with 'mqtt: {one.topic}' under 'telemetry:' in redpanda/topics.yaml"
                return Unheard(one.topic, message, fix)
        return None

    def all_activities(self) -> Iterator[Activity]:
        """Those within others too, each behind the one that holds it."""
        return _with_bodies(self.activities)

    def activity(self, activity_id: str) -> Activity:
        """Raises ``KeyError``."""
        for one in self.all_activities():
            if one.id == activity_id:
                return one
        raise KeyError(activity_id)


def rebuild() -> None:
    """Have definitions know the kinds and actions that were added since (``streams.extensions``)."""
    field: Any = ProcessDefinition.__pydantic_fields__["activities"]
    field.annotation = tuple[_any_activity(), ...]  # type: ignore[misc]
    ProcessDefinition.model_rebuild(force=True)


def _with_bodies(activities: Iterable[Activity]) -> Iterator[Activity]:
    for one in activities:
        yield one
        for body in one.bodies().values():
            yield from _with_bodies(body)


__all__ = ["AnyActivity", "AnyTrigger", "Head", "ProcessDefinition", "Trigger", "rebuild"]
