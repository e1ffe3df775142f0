"""One command's turn at the state: what ``decide`` may see, and what it has decided so far.

``emit`` appends an event *and* applies it, so state cannot change without an event, and the next step of the same
command sees what the last one did.  Nothing here performs an effect: a shell takes the turn's outcome and commits it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from streams.core.apply import apply_at, apply_to
from streams.core.apply.instance import FINISHED
from streams.core.commands import TopicCommand
from streams.core.due import DUE, Timer, due_timers
from streams.core.durations import instant
from streams.core.events import VERSION, Event
from streams.core.patterns.window import Window
from streams.core.process import Process, UnusableError
from streams.core.state import Entity, Feed, Instance, Key, key_entity

Reading = dict[str, Any]


_Kept = TypeVar("_Kept", Entity, Window)


class Overlay(Generic[_Kept]):
    """Entities, or windows, as one command sees them: read through ``load`` once, written into ``changed`` only."""

    __slots__ = ("_load", "_seen", "_timers", "changed")

    def __init__(self, load: Callable[[str], _Kept | None]) -> None:
        """``load`` returns a fresh object: it is the overlay's to change."""
        self._load: Callable[[str], _Kept | None] = load
        self._seen: dict[str, _Kept | None] = {}
        self._timers: dict[str, list[Timer]] = {}
        self.changed: dict[str, _Kept | None] = {}

    def get(self, entity_id: str) -> _Kept | None:
        seen = self._seen
        if entity_id in seen:
            return seen[entity_id]
        entity = seen[entity_id] = self._load(entity_id)
        if (due := DUE.get(type(entity))) is not None and (timers := due(entity)):
            self._timers[entity_id] = timers
        return entity

    def put(self, entity_id: str, entity: _Kept | None) -> None:
        self._seen[entity_id] = self.changed[entity_id] = entity

    def timers(self) -> list[tuple[list[Timer], list[Timer]]]:
        """Of each entity that has changed, the timers that it no longer has, and those that it has now."""
        changes: list[tuple[list[Timer], list[Timer]]] = []
        for entity_id, entity in self.changed.items():
            before, now = self._timers.get(entity_id), due_timers(entity) if type(entity) in DUE else []
            if before is None or not now:
                if before or now:
                    changes.append((before or [], now))
            elif before != now:
                gone, new = set(before).difference(now), set(now).difference(before)
                changes.append(([one for one in before if one in gone], [one for one in now if one in new]))
        return changes


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a command was refused: ``reason`` is for programs, ``message`` names the place and the fix for people."""

    reason: str
    message: str
    subject: str | None = None


@dataclass(slots=True)
class Surroundings:
    """What surrounds a partition's commands; the same for all commands of a batch.

    ``process`` compiles a deployed definition (version ``None``: the active one), or returns ``None`` when there is
    none; ``inactive`` tells whether it may not start instances, ``started_by`` which active ones a message starts.
    ``latest`` is the latest reading of a feed, ``window`` the window with that record's key.  ``opened_ms`` is since
    when somebody decides here.  ``action_time`` is how much plant time passes in one unit of real time: an action takes
    real time, however fast the plant's clock runs.  ``mqtt_routes`` are telemetry topics by the MQTT filter that the
    bridge carries into them.
    """

    partition: int
    partitions: int
    commands_topic: str
    telemetry_topics: frozenset[str]
    process: Callable[[str, int | None], Process | None]
    latest: Callable[[Feed], Reading | None]
    window: Callable[[str], Window | None] = lambda _record: None
    inactive: Callable[[str, int | None], bool] = lambda _id, _version: False
    started_by: Callable[[str], Sequence[Process]] = lambda _name: ()
    action_time: float = 1.0
    opened_ms: int = 0
    mqtt_routes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """The turn of one command that was appended at plant time ``now_ms``; ``offset`` is ``None`` for a timer."""

    around: Surroundings
    entities: Overlay[Entity]
    now_ms: int
    offset: int | None
    events: list[Event] = field(default_factory=list)
    rejection: Rejection | None = None
    published: list[dict[str, Any]] = field(default_factory=list)
    """Records for ``process-definitions``."""
    readings: dict[Feed, Reading | None] = field(default_factory=dict)
    """Soft records to keep; ``None`` removes one."""
    windows: Overlay[Window] = field(init=False)
    """What patterns know of keys: soft records too."""
    late: int = 0
    """Readings that came too late for a pattern."""
    follow_ups: list[TopicCommand] = field(default_factory=list)
    """Commands for ``process-commands``, to be sent in the transaction of the turn."""
    cause: str = field(init=False)
    """``<partition>:<offset>`` of the command, or ``<partition>:timer``."""
    _now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.cause = f"{self.around.partition}:{'timer' if self.offset is None else self.offset}"
        self._now = instant(self.now_ms)
        self.windows = Overlay(self.around.window)

    def reject(self, reason: str, message: str, subject: str | None = None) -> None:
        """Refuse the command.  Only before the first event: a command is refused as a whole or not at all."""
        assert not self.events
        self.rejection = Rejection(reason, message, subject)

    def follow_up(self, command: TopicCommand, of: str | None = None) -> None:
        """Have a command carried out, here or in another partition, once this turn has committed, and only then.

        It goes where ``home_of`` says and gets an id of its own: ``<cause>/<n>``, and for a timer, whose cause others
        have too, ``<partition>:timer/<subject>/<seq>/<n>`` of the last event.  Only behind an event: what leads to
        another command has happened.  Where it has not, since nothing but soft records have changed, ``of`` stands for
        the event: it is another one each time.
        """
        assert self.events or of is not None
        cause = self.cause
        if self.offset is None:
            cause += f"/{self.events[-1].subject}/{self.events[-1].seq}" if of is None else f"/{of}"
        self.follow_ups.append(msgspec.structs.replace(command, id=f"{cause}/{len(self.follow_ups) + 1}"))

    def instance(self, instance_id: str) -> Instance | None:
        """The instance, running or failed."""
        entity = self.entities.get(instance_id)
        return entity if isinstance(entity, Instance) else None

    def running_of_key(self, key: str | None, definition_id: str | None) -> list[Instance]:
        """The running instances of a key, oldest first; ``definition_id`` narrows them."""
        entity = self._key(key)
        wanted = [] if entity is None else sorted(_of(entity.running, definition_id))
        return [state for instance_id in wanted if (state := self.instance(instance_id)) is not None]

    def queued_of_key(self, key: str | None, definition_id: str | None) -> list[Instance]:
        """The instances of a key that wait for those that run, the last one first."""
        entity = self._key(key)
        wanted = [] if entity is None else _of(entity.queued, definition_id)[::-1]
        return [state for instance_id in wanted if (state := self.instance(instance_id)) is not None]

    def _key(self, key: str | None) -> Key | None:
        entity = self.entities.get(key_entity(key)) if key is not None else None
        return entity if isinstance(entity, Key) else None

    def process_of(self, instance: Instance) -> Process:
        """The process at the version that the instance runs on.  Raises ``LookupError``, ``UnusableError``."""
        process = self.around.process(instance.definition_id, instance.definition_version)
        if process is None:
            raise LookupError(
                f"{instance.definition_id} version {instance.definition_version} of {instance.id} is gone"
            )
        return process

    def feeds_of(self, instance: Instance) -> list[Feed]:
        """What its live variables follow; nothing where its definition cannot be used: a reading must not fail then."""
        try:
            return [] if instance.key is None else self.process_of(instance).feeds(instance.key)
        except (LookupError, UnusableError):
            return []

    def emit(
        self,
        instance: Instance,
        event_type: str,
        data: dict[str, Any],
        activity_id: str | None = None,
        token: str | None = None,
        message: str | None = None,
    ) -> None:
        """An event of ``instance``, applied at once.  ``instance`` itself is what changes; ``data`` is the event's."""
        assert instance.status not in FINISHED
        time_ms, time = self.now_ms, self._now
        if instance.updated_at > time_ms:
            time_ms, time = self._time(instance.updated_at)
        event = Event(
            VERSION,
            event_type,
            instance.id,
            instance.seq + 1,
            time,
            instance.definition_id,
            instance.definition_version,
            self.cause,
            activity_id,
            message,
            token,
            data,
        )
        apply_to(self.entities, instance, event, time_ms)
        self.events.append(event)

    def emit_first(self, subject: str, process: Process, data: dict[str, Any]) -> Instance:
        """The ``started`` event of a new instance, applied; returns the instance."""
        event = Event(VERSION, "started", subject, 1, self._now, process.id, process.version, self.cause, data=data)
        self._append(event, self.now_ms)
        state = self.instance(subject)
        assert state is not None
        return state

    def emit_outside(
        self,
        subject: str,
        last: tuple[int, int],
        event_type: str,
        definition: tuple[str, int],
        data: dict[str, Any],
        activity_id: str | None = None,
        message: str | None = None,
    ) -> None:
        """An event of an entity that is no instance; ``last`` is that entity's (seq, updated_at)."""
        seq, updated_at = last
        time_ms, time = self._time(updated_at)
        event = Event(
            VERSION, event_type, subject, seq + 1, time, *definition, self.cause, activity_id, message, data=data
        )
        self._append(event, time_ms)

    def _append(self, event: Event, time_ms: int) -> None:
        apply_at(self.entities, event, time_ms)
        self.events.append(event)

    def _time(self, not_before_ms: int) -> tuple[int, datetime]:
        if not_before_ms <= self.now_ms:
            return self.now_ms, self._now
        return not_before_ms, instant(not_before_ms)


def _of(ids: dict[str, list[str]], definition_id: str | None) -> list[str]:
    return [one for definition, found in ids.items() if definition_id in (None, definition) for one in found]
