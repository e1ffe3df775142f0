"""A plant in memory: readings and commands in, events and effects out, in no time at all.

An agenda takes the place of Kafka: each record is delivered in the millisecond in which it was sent, in the order of
sending; timers fire when they are due.  Actions are performed by the performers of production on fakes, unless a stub
answers for them.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from streams.actions import performers
from streams.actions.base import ActionError, ActionRequest, Performer
from streams.actions.base import Effect as Foreseen
from streams.actions.connections import fake_connections
from streams.actions.emitter import FakeEmitter
from streams.codec import decode_entity, decode_event
from streams.core.clock import PlantClock
from streams.core.commands import SetSchedule, StartProcess, TopicCommand
from streams.core.decide import command_key, home_of
from streams.core.definition import ProcessDefinition
from streams.core.durations import instant_text
from streams.core.events import Event
from streams.core.ids import partition_for
from streams.core.process import Process, compile_process
from streams.core.state import Instance
from streams.performing import Performing, Requested, decode_requested
from streams.processing import PartitionProcessor, decode_records
from streams.routing import Router
from streams.topics import Topics
from weir.verify.table import entities_of

MARK_TTL_MS = 86_400_000
REQUESTS = frozenset({"action_requested", "rows_requested", "notice_requested"})
MAX_DELIVERIES = 1_000_000
"""In one go: more is a process that keeps itself busy."""


@dataclass(slots=True)
class Record:
    """A record as a role gets it."""

    value: bytes | None
    key: bytes | None
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes | None]] = ()


class Table:
    """The table of a partition, and what one batch writes."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}
        self.sent: list[tuple[str, int, bytes | None, bytes | None, Any]] = []

    def get(self, key: bytes) -> bytes | None:
        return self.records.get(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.records[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.records.pop(key, None)

    def send(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Any = ()) -> None:
        self.sent.append((topic, partition, key, value, headers))


@dataclass(frozen=True, slots=True)
class Effect:
    """An action that was performed, or tried: ``outcome`` is ``completed`` or the error's type."""

    at_ms: int
    instance_id: str
    activity_id: str
    action: str
    config: Any
    outcome: str


@dataclass(slots=True)
class Stub:
    """What an action answers instead of being performed: ``answers`` in order, the last one again and again.

    An answer is an output, or an ``ActionError``.
    """

    answers: Sequence[dict[str, Any] | ActionError]
    asked: int = 0

    async def perform(self, _request: ActionRequest) -> dict[str, Any]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, ActionError):
            raise answer
        return answer

    def dry_run(self, request: ActionRequest) -> Foreseen:
        return Foreseen("answers as the test says", request.config)


@dataclass
class VirtualPlant:
    """``now_ms`` is plant time in Unix milliseconds, and wall time too.

    ``stubs`` answer for actions, by activity id, else by the action's name.  ``confined``: scripts do not run where the
    kernel has no sandbox for them; where it has one they are in it anyway.
    """

    topics: Topics
    now_ms: int
    stubs: Mapping[str, Stub] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    rejections: list[dict[str, Any]] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    """Reasons of the dead letters."""
    generation: int = 0
    confined: bool = False

    def __post_init__(self) -> None:
        self._clock = PlantClock()
        self._processes: dict[str, Process] = {}
        self._router = Router(self.topics, self, self._clock)
        self._tables = [Table() for _ in range(self.topics.partitions)]
        self._processors = [
            PartitionProcessor(number, self.topics, self, self._clock, MARK_TTL_MS)
            for number in range(self.topics.partitions)
        ]
        self._offset = 0
        self._ahead: deque[tuple[str, int, Record]] = deque()
        fakes = fake_connections(frozenset(self.topics.telemetry))
        assert isinstance(fakes.emitter, FakeEmitter)
        self._emitter = fakes.emitter
        self._performers = performers(fakes._replace(plant_ms=lambda: self.now_ms, confined=self.confined))

    # ---- the definitions, as router and processors ask for them

    def deploy(self, definition: ProcessDefinition) -> None:
        """Make a definition known, and set its clock."""
        self._processes[definition.id] = process = compile_process(definition, self.topics.mqtt_routes)
        self.generation += 1
        if process.timers or process.polls:
            self.send(SetSchedule(definition_id=process.id, definition_version=process.version))

    def get(self, definition_id: str, version: int | None) -> Process | None:
        """A version; there is but one of each."""
        process = self._processes.get(definition_id)
        return process if process is not None and version in {None, process.version} else None

    def inactive(self, _definition_id: str, _version: int | None) -> bool:
        """None is."""
        return False

    def active(self) -> Iterable[Process]:
        """All."""
        return list(self._processes.values())

    all = active

    # ---- what happens

    def start(self, definition_id: str, key: str | None = None, **variables: Any) -> str:
        """Start an instance; returns its id.  Raises ``ValueError`` with the reason where that is refused."""
        before, refused = len(self.events), len(self.rejections)
        self.send(StartProcess(definition_id=definition_id, key=key, variables=variables))
        if len(self.rejections) > refused:
            raise ValueError(self.rejections[refused]["message"])
        return next(event.subject for event in self.events[before:] if event.type == "started")

    def send(self, command: TopicCommand) -> None:
        """Send a command, and carry out all that follows at once."""
        home = home_of(command, self.topics.partitions)
        key = command_key(command) or ""
        value = msgspec.json.encode(command)
        partition = partition_for(key, self.topics.partitions) if home is None else home
        self._put(self.topics.commands.name, partition, key.encode(), value, ())
        self._work()

    def read(self, topic: str, reading: Mapping[str, Any], key: str | None = None) -> None:
        """A reading arrives on a telemetry topic; without a timestamp of its own it was taken now."""
        value = {"timestamp": instant_text(self.now_ms), **reading}
        self._put(topic, 0, None if key is None else key.encode(), orjson.dumps(value), ())
        self._work()

    def pass_time(self, ms: int) -> None:
        """Let time pass, with all that is due in it."""
        self.pass_until(self.now_ms + ms)

    def pass_until(self, end_ms: int) -> None:
        """Let time pass until a moment."""
        while (due := self.next_due()) is not None and due <= end_ms:
            self.now_ms = max(self.now_ms, due)
            for number in range(self.topics.partitions):
                self._batch(number, [])
            self._work()
        self.now_ms = max(self.now_ms, end_ms)

    def next_due(self) -> int | None:
        """When the next timer is due, in Unix milliseconds."""
        wakes = [wake for processor in self._processors if (wake := processor.wake_at()) is not None]
        return int(min(wakes) * 1000) if wakes else None

    # ---- what came of it

    def instances(self) -> list[Instance]:
        """Those that have not ended."""
        tables = [entities_of(table.records.items()) for table in self._tables]
        entities = [decode_entity(raw) for table in tables for raw in table.values()]
        return [entity for entity in entities if isinstance(entity, Instance)]

    # ---- records

    def _put(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Any) -> None:
        self._offset += 1
        self._ahead.append((topic, partition, Record(value, key, self._offset, self.now_ms, headers)))

    def _work(self) -> None:
        """Deliver everything that was sent, and what is sent meanwhile."""
        for _ in range(MAX_DELIVERIES):
            if not self._ahead:
                return
            topic, partition, record = self._ahead.popleft()
            if topic == self.topics.commands.name:
                self._batch(partition, [record])
            elif topic in self.topics.telemetry:
                self._sort(self._router.route(topic, partition, [record], self.now_ms).outputs)
        raise RuntimeError(f"Expected the processes to come to a wait within {MAX_DELIVERIES} commands")

    def _batch(self, partition: int, records: list[Record]) -> None:
        processor, table = self._processors[partition], self._tables[partition]
        processor.committed(processor.process(decode_records(records), table, self.now_ms, caught_up=True))
        sent, table.sent = table.sent, []
        self._sort(sent)

    def _sort(self, outputs: Iterable[tuple[str, int, bytes | None, bytes | None, Any]]) -> None:
        for topic, partition, key, value, headers in outputs:
            if topic == self.topics.events.name:
                event = decode_event(value or b"")
                self.events.append(event)
                if event.type in REQUESTS:
                    self._perform(partition, decode_requested(value))
            elif topic == self.topics.rejections.name:
                self.rejections.append(orjson.loads(value or b"{}"))
            elif topic == self.topics.dead_letters.name:
                self.letters.append(dict(headers)["weir_reason"].decode())
            elif topic == self.topics.commands.name:
                self._put(topic, partition, key, value, headers)

    def _perform(self, partition: int, requested: Requested) -> None:
        stub = self.stubs.get(requested.activity_id) or self.stubs.get(requested.action)
        chosen: dict[str, Performer] = dict(self._performers)
        if stub is not None:
            chosen[requested.action] = stub
        performing = Performing(chosen, self._clock, lambda: self.now_ms / 1000)
        outcome, answer = asyncio.run(performing.answer(requested))
        self.effects.append(
            Effect(
                self.now_ms, requested.instance_id, requested.activity_id, requested.action, requested.config, outcome
            )
        )
        self._put(self.topics.commands.name, partition, requested.instance_id.encode(), answer, ())
        emitted, self._emitter.events = self._emitter.events, []
        for event in emitted:
            self._put(event.topic, 0, event.key.encode(), event.value, ())


def answers(given: Iterable[Mapping[str, Any]]) -> Stub:
    """A stub from ``{output: …}`` and ``{error: type, message: …, retryable: …}``."""
    return Stub(
        [
            ActionError(str(one.get("message", "stubbed")), one["error"], retryable=bool(one.get("retryable", False)))
            if "error" in one
            else dict(one.get("output", {}))
            for one in given
        ]
    )
