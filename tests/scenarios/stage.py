"""The real plant on which scenarios are played: all roles, on a clock that is set from moment to moment.

The roles are those of production.  Their machine's clock (``clock/``) stands still until the stage sets it ahead, which
it does when nothing is left to do: an hour passes in no time, and nothing is late.  Kafka keeps the time of who wrote a
record, the broker's own being another.

Whether anything is left to do is asked of the roles themselves: records that nobody can use become dead letters once
everything before them is done.  One goes into each partition; when all have come back and nothing else has happened,
no action runs and no timer is due, the plant stands still.
"""

import asyncio
import struct
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from streams.codec import BadRecordError, decode_command, decode_event, encode_command
from streams.core.commands import CompleteActivity, DeployDefinition, FailActivity, TopicCommand
from streams.core.decide import command_key, home_of
from streams.core.definition import ProcessDefinition
from streams.core.due import due_timers
from streams.core.durations import instant_text
from streams.core.events import Event
from streams.core.ids import partition_for
from streams.core.state import Instance
from streams.folding import Fold
from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.settings import Settings
from streams.topics import Topics
from tests.roles import DEADLINE_S, Role
from tests.scenarios.ends import Ends
from weir.home import PROJECT
from weir.testkit.plant import REQUESTS, Effect

CLOCK = Path(__file__).parent / "clock"
PARTITIONS = 2
MARK = b"nobody can use this "
PAST_MS = 0.2
"""So much the clock shows beyond a moment, for it to have come however it is rounded."""
LAST_WORDS = 1500
"""Characters of a role's log that a failure shows."""
_SECONDS = struct.Struct("<d")
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Outage:
    """The network bars messages to ``topic`` until ``activity`` of ``key`` has failed so many ``times``."""

    key: str
    activity: str
    topic: bytes
    times: int


class Stage:
    """The plant, and all that happened there; ``opened`` makes one."""

    def __init__(self, settings: Settings, topics: Topics, ends: Ends, folder: Path, begins_ms: int) -> None:
        self.settings, self.topics, self.ends = settings, topics, ends
        self.events: list[Event] = []
        self.refused: dict[Place, dict[str, Any]] = {}
        """Rejections, by the command's place."""
        self.letters: list[str] = []
        """Reasons of the dead letters, but for our own."""
        self.readings: Counter[str] = Counter()
        """Those that came over MQTT, by their topic in Kafka."""
        self.emitted: Counter[tuple[str, bytes]] = Counter()
        """What actions have written to topics: idempotency key and value."""
        self.listeners: list[Callable[[Event], None]] = []
        """Told each event."""
        self.fold = Fold()
        self.failed: Counter[tuple[str, str]] = Counter()
        """How often an action has failed, by instance and activity."""
        self.outages: list[Outage] = []
        self.now_ms = begins_ms
        """Plant time."""
        self._file = folder / "clock"
        self._file.write_bytes(_SECONDS.pack(0))
        self.set_clock(begins_ms)
        self._happened = 0
        self._marks: set[tuple[bytes, str]] = set()
        """Records that nobody can use, and the roles that have not said so yet."""
        self._made = 0
        self._fresh: set[str] = set()
        """Telemetry topics that have had a reading since the last mark."""
        self._published: Counter[str] = Counter()
        self._requested: dict[tuple[str, str, int, int], Event] = {}
        self._answers: list[tuple[int, CompleteActivity | FailActivity]] = []
        self._consumer: AIOKafkaConsumer
        self._producer: AIOKafkaProducer
        self._mqtt: aiomqtt.Client

    # ---- the clock

    def set_clock(self, plant_ms: int) -> None:
        """For all roles at once, and for the processes to come."""
        self.now_ms = plant_ms
        with self._file.open("r+b") as clock:  # in place: the roles have it mapped
            clock.write(_SECONDS.pack((plant_ms + PAST_MS) / 1000))

    @property
    def environment(self) -> Mapping[str, str]:
        """Of a role, for it to go by this clock; so does what aiokafka has in Python, and not what it has in C."""
        return {"SCENARIO_CLOCK": str(self._file), "PYTHONPATH": f"{CLOCK}:{PROJECT}", "AIOKAFKA_NO_EXTENSIONS": "1"}

    # ---- what comes in

    async def start(self, stack: AsyncExitStack) -> None:
        """Connect."""
        options, address = client_options(self.settings), MqttAddress.parse(self.settings.mqtt_url)
        self._producer = await stack.enter_async_context(AIOKafkaProducer(**options))
        self._mqtt = await stack.enter_async_context(aiomqtt.Client(address.host, address.port))
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed", enable_auto_commit=False)
        await self._consumer.start()
        stack.push_async_callback(self._consumer.stop)
        every = [*self._entrances(), *self._partitions("events"), *self._partitions("rejections", "dead_letters")]
        self._consumer.assign(every)
        await self._consumer.seek_to_end(*every)

    async def deploy(self, definitions: Collection[ProcessDefinition], router: Role) -> None:
        """Make definitions known everywhere."""
        for one in definitions:
            await self.send(DeployDefinition(definition=one.model_dump(mode="json")))
        await self.rest()
        assert not self.refused, list(self.refused.values())
        await router.said("definition known", times=len(definitions))

    async def send(self, command: TopicCommand) -> Place:
        """Send a command; its place."""
        key, home = command_key(command) or "", home_of(command, PARTITIONS)
        partition = partition_for(key, PARTITIONS) if home is None else home
        return await self._write(self.topics.commands.name, partition, encode_command(command), key.encode())

    async def publish(self, topic: str, reading: Mapping[str, Any]) -> None:
        """A device publishes a reading, taken now."""
        pattern = self.topics.telemetry[topic].mqtt
        assert pattern is not None
        value = {"timestamp": instant_text(self.now_ms), **reading}
        await self._mqtt.publish(pattern.replace("+", "scenario"), orjson.dumps(value), qos=1)
        self._published[topic] += 1

    def bar(self, outage: Outage) -> None:
        """The network begins to bar messages."""
        self.outages.append(outage)
        self.ends.network.barred.add(outage.topic)

    # ---- standing still

    async def rest(
        self, subjects: Collection[str] = (), until_ms: float = 0, roles: Collection[str] = ("processor", "router")
    ) -> None:
        """Until the plant stands still, and no timer of ``subjects`` is due by ``until_ms``; ``roles`` have done all
        their work, the action workers too.
        """
        seen, end = self._happened, time.monotonic() + DEADLINE_S
        while True:
            before = self._happened
            if self.readings >= self._published:
                await self._mark(roles)
            else:
                await self._look()
            timers = [due for due in self.dues(subjects) if due <= until_ms]
            busy = [one for one in self.fold.entities.values() if isinstance(one, Instance) and _acts(one)]
            if self._happened == before and not timers and not busy and self.readings >= self._published:
                return
            if self._happened != seen:  # a plant at work may take its time
                seen, end = self._happened, time.monotonic() + DEADLINE_S
            assert time.monotonic() < end, self._without(
                f"rest: timers due at {timers} of {subjects}, actions of {busy}, readings of which the bridge has "
                f"carried fewer than were published: {dict(self._published - self.readings)}"
            )

    def dues(self, subjects: Iterable[str]) -> list[int]:
        """What timers of entities wait for, in ms of plant time."""
        return [timer.due_ms for one in subjects for timer in due_timers(self.fold.get(one))]

    async def _mark(self, roles: Collection[str]) -> None:
        """A round through all partitions where something has come in; what happens meanwhile is taken in."""
        sent, asked = [], {self.topics.commands.name, *self._fresh}
        self._fresh.clear()
        for tp in (one for one in self._entrances() if one.topic in asked):
            self._made += 1
            value = MARK + str(self._made).encode()
            of_topic = {"processor"} if tp.topic == self.topics.commands.name else {"router", "projector"}
            self._marks |= {(value, role) for role in of_topic.intersection(roles)}
            sent.append(self._write(tp.topic, tp.partition, value, b"mark"))
        await asyncio.gather(*sent)
        end = time.monotonic() + DEADLINE_S
        while self._marks:
            assert time.monotonic() < end, self._without(f"dead letters of marks: {self._marks}")
            await self._look()

    def _without(self, what: str) -> str:
        """Why the plant stands: what was waited for, and each role's last words."""
        said = [f"{log.name}: {log.read_text()[-LAST_WORDS:]}" for log in sorted(self._file.parent.glob("*.log"))]
        return "\n".join([f"{DEADLINE_S:g} s without {what}; other dead letters: {self.letters}", *said])

    async def _write(self, topic: str, partition: int, value: bytes, key: bytes) -> Place:
        sent = await self._producer.send_and_wait(topic, value, key, partition, timestamp_ms=self.now_ms)
        return sent.partition, sent.offset

    # ---- what comes out

    async def _look(self) -> None:
        for tp, records in (await self._consumer.getmany(timeout_ms=200)).items():
            for record in records:
                self._take(tp.topic, record)

    def _take(self, topic: str, record: ConsumerRecord) -> None:
        value: bytes = record.value
        topics = self.topics
        if topic == topics.dead_letters.name:
            headers = dict(reversed(record.headers))
            if value.startswith(MARK):
                self._marks.discard((value, headers["weir_role"].decode()))
            else:
                self.letters.append(headers["weir_reason"].decode())
            return
        if value.startswith(MARK):
            return
        self._happened += 1
        if topic == topics.events.name:
            self._event(decode_event(value))
        elif topic == topics.rejections.name:
            refused = orjson.loads(value)
            self.refused[refused["partition"], refused["offset"]] = refused
        elif topic == topics.commands.name:
            self._command(record)
        else:
            self._fresh.add(topic)
            headers = dict(record.headers)
            if "mqtt_topic" in headers:
                self.readings[topic] += 1
            else:
                self.emitted[headers["idempotency-key"].decode(), value] += 1

    def _end_if_over(self, outage: Outage, failed: FailActivity) -> None:
        instance = self.fold.get(failed.instance_id)
        of_it = isinstance(instance, Instance) and instance.key == outage.key and failed.activity_id == outage.activity
        if of_it and self.failed[failed.instance_id, failed.activity_id] == outage.times:
            self.outages.remove(outage)
            self.ends.network.barred.discard(outage.topic)

    def effects(self) -> list[Effect]:
        """What action workers have done, or tried to."""
        found = []
        for at_ms, answer in self._answers:
            place = answer.instance_id, answer.activity_id
            asked = self._requested[*place, answer.execution, answer.attempt].data
            outcome = "completed" if isinstance(answer, CompleteActivity) else answer.error_type
            found.append(Effect(at_ms, *place, asked["action"], asked["config"], outcome))
        return found

    def _event(self, event: Event) -> None:
        self.events.append(event)
        self.fold.take(event)
        for listener in self.listeners:
            listener(event)
        if event.type in REQUESTS:
            self._requested[event.subject, event.activity_id or "", *_attempt(event.data)] = event

    def _command(self, record: ConsumerRecord) -> None:
        """Those of action workers tell what became of their actions."""
        try:
            command = decode_command(record.value)
        except BadRecordError:
            return  # what tells of it is its dead letter
        if isinstance(command, CompleteActivity | FailActivity):
            self._answers.append((record.timestamp, command))
        if isinstance(command, FailActivity):
            self.failed[command.instance_id, command.activity_id] += 1
            for outage in list(self.outages):
                self._end_if_over(outage, command)

    # ---- places

    def _entrances(self) -> list[TopicPartition]:
        """Where records come in: commands, and telemetry."""
        telemetry = [
            TopicPartition(one.name, n) for one in self.topics.telemetry.values() for n in range(one.partitions)
        ]
        return [*self._partitions("commands"), *telemetry]

    def _partitions(self, *names: str) -> list[TopicPartition]:
        found = [getattr(self.topics, name) for name in names]
        return [TopicPartition(topic.name, number) for topic in found for number in range(topic.partitions)]


def _acts(instance: Instance) -> bool:
    return instance.status == "running" and any(wait.kind == "action" for wait in instance.waiting.values())


def _attempt(data: Mapping[str, Any]) -> tuple[int, int]:
    return data.get("execution", 0), data.get("attempt", 1)
