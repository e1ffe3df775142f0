"""One partition of the pure core under a virtual clock: commands in, events out, states kept as the table keeps
them.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from streams.codec import (
    decode_command,
    decode_entity,
    decode_window,
    encode_command,
    encode_entity,
    encode_event,
    encode_window,
)
from streams.core.apply import apply_event
from streams.core.commands import (
    AnyCommand,
    CompleteActivity,
    FailActivity,
    FireTimer,
    Observe,
    StartProcess,
    TopicCommand,
)
from streams.core.decide import decide, home_of
from streams.core.decide.refused import follow_up_of
from streams.core.definition import ProcessDefinition
from streams.core.due import due_timers
from streams.core.events import Event
from streams.core.mailbox import Mailbox
from streams.core.parse import parse_definition
from streams.core.patterns.window import Window
from streams.core.places import place_of
from streams.core.process import Process, compile_process
from streams.core.state import DefinitionVersions, Entity, Feed, Finished, Instance, Wait, definition_entity
from streams.core.turn import Overlay, Reading, Rejection, Surroundings, Turn

START = 1_386_656_700_000  # 2013-12-10T06:25:00Z


FORGET = frozenset({"key_forgotten", "mailbox_forgotten"})


def check_seq(event: Event, seqs: dict[str, int]) -> None:
    """Expect no gap: ``seqs`` has the last one of each subject, which counts from 1 again when it was forgotten."""
    assert event.seq == seqs.get(event.subject, 0) + 1
    seqs[event.subject] = 0 if event.type in FORGET else event.seq


class Folded:
    """Entities as replay sees them: nothing but events, each kept as its table record."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}

    def get(self, entity_id: str) -> Entity | None:
        raw = self.records.get(entity_id)
        return None if raw is None else decode_entity(raw)

    def put(self, entity_id: str, entity: Entity | None) -> None:
        if entity is None:
            self.records.pop(entity_id, None)
        else:
            self.records[entity_id] = encode_entity(entity)


class Plant:
    """``do`` carries out a command; ``log`` is everything that happened; ``now`` is plant time in Unix milliseconds."""

    def __init__(self, *definitions: str | ProcessDefinition, partition: int = 0, partitions: int = 1) -> None:
        self.now = START
        self.log: list[Event] = []
        self.table = Folded()
        self.readings: dict[Feed, Reading] = {}
        self.windows: dict[str, bytes] = {}
        """What patterns know of keys."""
        self.processes: dict[tuple[str, int], Process] = {}
        self.last: Turn | None = None
        self.follow_ups: deque[TopicCommand] = deque()
        """What turns have led to, and nobody has carried out yet."""
        self._offset = 0
        for one in definitions:
            self.add(one)
        self.around = Surroundings(
            partition=partition,
            partitions=partitions,
            commands_topic="process-commands",
            telemetry_topics=frozenset({"heatpump-telemetry"}),
            process=self.process,
            latest=self.readings.get,
            window=self.window,
            inactive=self.inactive,
            started_by=lambda name: [one for one in self.processes.values() if name in one.messages],
        )

    def add(self, definition: str | ProcessDefinition) -> Process:
        parsed = parse_definition(definition) if isinstance(definition, str) else definition
        process = self.processes[parsed.id, parsed.version] = compile_process(parsed)
        return process

    def process(self, definition_id: str, version: int | None) -> Process | None:
        versions = {v: process for (name, v), process in self.processes.items() if name == definition_id}
        return versions.get(max(versions) if version is None else version) if versions else None

    def inactive(self, definition_id: str, version: int | None) -> bool:
        entity = self.table.get(definition_entity(definition_id))
        return isinstance(entity, DefinitionVersions) and not entity.starts(version)

    def window(self, record: str) -> Window | None:
        raw = self.windows.get(record)
        return None if raw is None else decode_window(raw)

    def do(self, command: AnyCommand, *, after_ms: int = 0) -> list[Event]:
        """Carry out ``command`` ``after_ms`` later than the last one, and what it leads to; returns its own events."""
        self.now += after_ms
        offset = None if isinstance(command, FireTimer) else self._offset
        turn = Turn(self.around, Overlay(self.table.get), self.now, offset)
        decide(turn, command)
        self._offset += offset is not None
        self.log.extend(turn.events)
        for entity_id, entity in turn.entities.changed.items():
            self.table.put(entity_id, entity)
        for name, reading in turn.readings.items():
            if reading is None:
                self.readings.pop(name, None)
            else:
                self.readings[name] = reading
        for record, window in turn.windows.changed.items():
            if window is None:
                self.windows.pop(record, None)
            else:
                self.windows[record] = encode_window(window)
        self.last = turn
        self.follow_ups.extend(turn.follow_ups)
        if turn.rejection is not None and (answer := follow_up_of(command, turn.rejection)) is not None:
            self.follow_ups.append(answer)
        return turn.events

    def settle(self) -> list[Event]:
        """Carry out the follow-ups, and theirs; returns what happened."""
        events: list[Event] = []
        while self.follow_ups:
            command = decode_command(encode_command(self.follow_ups.popleft()))  # as it comes from the topic
            assert home_of(command, self.around.partitions) in (None, self.around.partition)
            events += self.do(command)
        return events

    def refuse_follow_up(self, kind: type[TopicCommand], message: str = "full") -> None:
        """Refuse the one follow-up of that kind, as the processor refuses what would overfill an entity."""
        (one,) = [command for command in self.follow_ups if type(command) is kind]
        self.follow_ups.remove(one)
        if (answer := follow_up_of(one, Rejection("limit", message))) is not None:
            self.follow_ups.append(answer)

    def refused(self, command: AnyCommand) -> tuple[str, str]:
        """The (reason, message) with which ``command`` is refused."""
        assert self.do(command) == []
        assert self.last is not None
        assert self.last.rejection is not None, f"{command} was not refused"
        return self.last.rejection.reason, self.last.rejection.message

    def start(self, definition_id: str, key: str | None = None, **variables: Any) -> str:
        """Start an instance; returns its id."""
        events = self.do(StartProcess(definition_id=definition_id, key=key, variables=variables))
        assert events, self.last and self.last.rejection
        return next(event.subject for event in events if event.type == "started")

    def observe(self, key: str, **fields: Any) -> None:
        """A reading of ``key`` arrives."""
        self.do(Observe(topic="heatpump-telemetry", key=key, reading={"tags": {"device_id": key}, "fields": fields}))

    def due(self) -> list[tuple[int, FireTimer]]:
        """All timers, earliest first."""
        kept = [*map(self.table.get, self.table.records), *map(self.window, self.windows)]
        timers = [timer for one in kept for timer in due_timers(one)]
        return [(timer.due_ms, timer.command()) for timer in sorted(timers)]

    def fire_next(self) -> list[Event]:
        """Let time pass until the next timer is due, and fire it."""
        due, timer = self.due()[0]
        self.now = max(self.now, due)
        return self.do(timer)

    def answer(self, instance_id: str, activity_id: str, token: str | None = None, **output: Any) -> list[Event]:
        """The action that an activity waits for was performed."""
        wait = self._action(instance_id, activity_id, token)
        asked = {"instance_id": instance_id, "activity_id": activity_id, "token": token, "execution": wait.execution}
        return self.do(CompleteActivity(**asked, attempt=wait.attempt, output=output))

    def refuse(
        self,
        instance_id: str,
        activity_id: str,
        token: str | None = None,
        *,
        error_type: str = "mqtt",
        retryable: bool = False,
    ) -> list[Event]:
        """The action that an activity waits for could not be performed."""
        wait = self._action(instance_id, activity_id, token)
        asked = {"instance_id": instance_id, "activity_id": activity_id, "token": token, "execution": wait.execution}
        return self.do(
            FailActivity(**asked, attempt=wait.attempt, error_type=error_type, error="no", retryable=retryable)
        )

    def _action(self, instance_id: str, activity_id: str, token: str | None) -> Wait:
        state = self.state(instance_id)
        assert isinstance(state, Instance)
        return state.waiting[place_of(activity_id, token)]

    def instances(self) -> list[Instance]:
        return [entity for name in self.table.records if isinstance(entity := self.table.get(name), Instance)]

    def mailboxes(self) -> list[Mailbox]:
        return [entity for name in self.table.records if isinstance(entity := self.table.get(name), Mailbox)]

    def state(self, instance_id: str) -> Instance | Finished:
        entity = self.table.get(instance_id)
        assert isinstance(entity, Instance | Finished)
        return entity

    def types(self, instance_id: str) -> list[str]:
        """What happened to an instance: event types, with the activity where there is one."""
        return [
            event.type if event.activity_id is None else f"{event.type} {place_of(event.activity_id, event.token)}"
            for event in self.log
            if event.subject == instance_id
        ]


def fold(log: list[Event], after_each: Callable[[Folded], None] = lambda _: None) -> Folded:
    """Replay a log."""
    folded = Folded()
    for event in log:
        encode_event(event)
        apply_event(folded, event)
        after_each(folded)
    return folded
