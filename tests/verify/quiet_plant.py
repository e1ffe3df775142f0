"""A plant in memory that has come to rest: production code has written its topics, and a test may damage them.

telemetry ─► Router ─► commands ─► PartitionProcessor ─► events, changelog, rejections, dead letters
                          ▲                                │
                          └──────── answers ◄──────────────┘ requests
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import orjson

from benchmarks.written import Definitions, Record, Transaction
from streams.codec import decode_event, encode_event
from streams.core.clock import PlantClock
from streams.core.commands import DEFINITIONS_KEY, CompleteActivity, Signal, StartProcess, TopicCommand
from streams.core.events import Event
from streams.core.ids import partition_for
from streams.core.process import Process
from streams.log import STALL_S, Span, Spans
from streams.processing import PartitionProcessor, decode_records
from streams.records import Headers
from streams.routing import Router
from streams.settings import Settings
from streams.topics import load_topics
from streams.transport.contents import TableContents
from streams.transport.port import Chunk, TopicPartition
from tests.core.plant import START
from weir.verify.log import Checked, check_log
from weir.verify.report import Difference
from weir.verify.sent import Acknowledged, Effect, Ledger, Poison, Reading, Sent

PARTITIONS = 2
TELEMETRY = "heatpump-telemetry"
MINUTE_MS = 60_000
COOLING = """
id: cooling
version: 1
trigger: {type: redpanda, topic: heatpump-telemetry, condition: fields.t > 25}
variables: [{name: temperature, source: fields.t, live: false}, {name: answer, value: none}]
activities:
  - {id: cool, type: service, action: mqtt_publish, output: {answer: command},
     config: {topic: plant, payload: {temperature: "${temperature}"}}}
  - {id: nap, type: timer, duration: 10m}
  - {id: approve, type: message, name: go}
"""
WAITING = """
id: waiting
version: 1
trigger: {type: api}
activities:
  - {id: approve, type: message, name: go}
  - {id: nap, type: timer, duration: 10m}
"""
LINED = """
id: lined
version: 1
trigger: {type: api, mode: queued}
concurrency: 1
activities:
  - {id: nap, type: timer, duration: 10m}
"""
CLOCKED = """
id: clocked
version: 1
trigger: {type: timer, catch_up: all, mode: parallel,
          at: ["2013-12-10T06:28Z", "2013-12-10T06:30Z", "2013-12-10T07:00Z"]}
activities:
  - {id: note, type: service, action: log, message: x}
"""


class MemoryLog:
    """``LogReader`` over lists of records; each list is a partition from its first offset on."""

    def __init__(self, topics: Mapping[TopicPartition, list[Record]]) -> None:
        self._topics = topics

    async def bounds(self, tps: Sequence[TopicPartition]) -> Spans:
        spans = {}
        for tp in tps:
            records = self._topics.get(tp, [])
            spans[tp] = Span(records[0].offset, records[-1].offset + 1) if records else Span(0, 0)
        return spans

    async def settled(self, tps: Sequence[TopicPartition], timeout_s: float = STALL_S) -> Spans:
        return await self.bounds(tps)

    async def read(self, spans: Mapping[TopicPartition, Span]) -> AsyncIterator[Chunk]:
        for tp, (start, end) in spans.items():
            records = [record for record in self._topics.get(tp, []) if start <= record.offset < end]
            yield Chunk(tp, start, records, end, end)


class _Deployed(Definitions):
    """As the router sees them."""

    generation = 1

    def all(self) -> list[Process]:
        return list(self._processes.values())

    def active(self) -> list[Process]:
        return self.all()


class QuietPlant:
    """``now_ms`` is wall and plant time (Unix ms); ``sent`` is all that it was sent."""

    def __init__(self) -> None:
        self.topics = load_topics(Settings(_env_file=None, partitions=PARTITIONS, app_id="app"))
        self.now_ms = START
        self.records: defaultdict[TopicPartition, list[Record]] = defaultdict(list)
        self.contents = TableContents()
        self.sent = Sent(ledger=Ledger({"mqtt_publish"}, prompt=True), alone=True)
        self._definitions = _Deployed()
        self._processors: dict[int, PartitionProcessor] = {}
        self._done: defaultdict[int, int] = defaultdict(int)
        self._ids = 0
        for text in (COOLING, WAITING, CLOCKED, LINED):
            self.send(self._definitions.learn(text), DEFINITIONS_KEY)

    # ---- what is sent

    def send(self, command: TopicCommand, key: str, *, away: bool = False) -> None:
        """Send a command under ``key``; ``away``: into a partition that is not the key's."""
        self._ids += 1
        command.id = f"c{self._ids}"
        partition = (partition_for(key, PARTITIONS) + away) % PARTITIONS
        offset = self.append(self.topics.commands.name, partition, key.encode(), msgspec.json.encode(command))
        self.sent.commands.append(Acknowledged(partition, offset, command.id))

    def poison(self, partition: int) -> None:
        """Send what is no command."""
        value = b"no command %d" % partition
        offset = self.append(self.topics.commands.name, partition, b"k", value)
        self.sent.poison.append(Poison(self.topics.commands.name, partition, offset, value, {"processor"}))

    def read(self, device: str, temperature: float) -> None:
        """A device sends a reading, and the router takes it."""
        value = orjson.dumps({"tags": {"device_id": device}, "fields": {"t": temperature}})
        offset = self.append(TELEMETRY, 0, device.encode(), value)
        self.sent.readings.append(Reading(TELEMETRY, 0, offset, {"cooling"} if temperature > 25 else ()))
        record = self.records[TopicPartition(TELEMETRY, 0)][-1]
        routed = Router(self.topics, self._definitions, PlantClock()).route(TELEMETRY, 0, [record], self.now_ms)
        for output in routed.outputs:
            self.append(*output)

    # ---- what becomes of it

    def work(self, after_ms: int = 250) -> None:
        """Let time pass, and carry out everything: commands, timers, and what the world answers."""
        self.now_ms += after_ms
        while sum(self._batch(partition) for partition in range(PARTITIONS)):
            pass

    def story(self) -> None:
        """Instances in all states, signals early and late, forwarded commands, poison."""
        for number in range(6):
            self.read(f"pump-{number}", 20 + 2 * number)
            self.send(Signal(name="go", key=f"w{number}", payload={"early": number}), f"w{number}")
        self.work()
        for number in range(4):
            self.send(StartProcess(definition_id="waiting", key=f"w{number}"), f"w{number}", away=number == 3)
            self.poison(number % PARTITIONS)
        self.send(StartProcess(definition_id="waiting", key="w0"), "w0")  # refused: it runs already
        self.send(StartProcess(definition_id="waiting", key="late"), "late")
        for key in ("lined", "lined", "up"):
            self.send(StartProcess(definition_id="lined", key=key), key)
        self.work()
        self.work(10 * MINUTE_MS - 200)  # right before the timers are due
        self.send(StartProcess(definition_id="waiting", key="later"), "later")
        self.work(MINUTE_MS)  # the start was sent before, and comes first
        self.send(Signal(name="go", key="pump-4", payload={"n": 1.5}), "pump-4")
        self.send(StartProcess(definition_id="waiting", key="w0"), "w0")  # behind the first, which has completed
        self.work()

    def _batch(self, partition: int) -> bool:
        """Carry out a partition's commands and timers in one batch; whether there was anything."""
        commands = self.records[TopicPartition(self.topics.commands.name, partition)]
        batch = [record for record in commands if record.offset >= self._done[partition]]
        self.contents.begin(partition, 0)
        table = self.contents.parts[partition]
        if partition not in self._processors:
            self._processors[partition] = PartitionProcessor(
                partition, self.topics, self._definitions, PlantClock(), 86_400_000
            )
        txn = Transaction(table)
        outcome = self._processors[partition].process(decode_records(batch), txn, self.now_ms, caught_up=True)
        self._done[partition] += len(batch)
        self.contents.apply_commit(partition, txn.writes, 0)
        self._processors[partition].committed(outcome)
        for tp, messages in txn.outputs.items():
            for key, value, headers in messages:
                self.append(tp.topic, tp.partition, key, value, headers)
                if tp.topic == self.topics.events.name:
                    self._perform(decode_event(value or b""))
        return bool(batch or txn.outputs)

    def _perform(self, event: Event) -> None:
        """The world does what is asked of it, under the name that the request gives it."""
        if event.type != "action_requested":
            return
        assert self.sent.ledger is not None
        content = orjson.dumps(event.data["config"])
        self.sent.ledger.effects.append(Effect(event.data["idempotency_key"], content))
        answer = CompleteActivity(
            instance_id=event.subject,
            activity_id=event.activity_id or "",
            execution=event.data["execution"],
            attempt=event.data["attempt"],
            output={"command": "on"},
        )
        home = int(event.cause.partition(":")[0])
        self.append(self.topics.commands.name, home, event.subject.encode(), msgspec.json.encode(answer))

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()) -> int:
        """Write a record; returns its offset."""
        records = self.records[TopicPartition(topic, partition)]
        offset = records[-1].offset + 1 if records else 0
        records.append(Record(value or b"", key, offset, self.now_ms, headers))
        return offset

    # ---- what is found

    async def check(self, now_ms: int | None = None) -> Checked:
        """The whole check of the log, with all that is known."""
        now_ms = self.now_ms if now_ms is None else now_ms
        log = MemoryLog(self.records)
        return await check_log(log, self.topics, now_ms=now_ms, sent=self.sent, skew_ms=0, keep_rows=True)

    async def differences(self) -> list[Difference]:
        return (await self.check()).differences

    # ---- damage

    def events(self) -> list[tuple[int, Event]]:
        """(partition, event) of all that happened."""
        return [
            (partition, decode_event(record.value))
            for partition in range(PARTITIONS)
            for record in self.records[TopicPartition(self.topics.events.name, partition)]
        ]

    def rewrite(self, which: Callable[[Event], bool], change: Callable[[Event], Event | None]) -> None:
        """Change the first event that is meant, or take it out (``None``); what is behind it moves up."""
        for partition in range(PARTITIONS):
            records = self.records[TopicPartition(self.topics.events.name, partition)]
            for at, record in enumerate(records):
                event = decode_event(record.value)
                if which(event):
                    changed = change(event)
                    if changed is None:
                        del records[at]
                    else:
                        records[at] = replace(record, value=encode_event(changed))
                    return
        raise AssertionError("no such event")

    def of(self, topic: str) -> list[list[Record]]:
        """The partitions of a topic that hold something."""
        return [records for tp, records in self.records.items() if tp.topic == topic and records]


def with_data(event: Event, **data: Any) -> Event:
    """The event with other data."""
    return msgspec.structs.replace(event, data=event.data | data)
