"""The demo's plant under a virtual clock: the router's and the processor's own code, everything between them an agenda.

No broker and no waiting, so what happens depends on nothing but the delays that a test chooses.  Times are Unix ms of
wall time; the plant's follow from the clock.
"""

import heapq
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from streams.codec import decode_event
from streams.core.clock import PlantClock
from streams.core.commands import CompleteActivity
from streams.core.events import Event
from streams.core.parse import parse_definition
from streams.core.process import Process, compile_process
from streams.processing import PartitionProcessor, decode_records
from streams.routing import Router
from streams.settings import Settings
from streams.topics import load_topics
from weir.demo.machines import Schedule, message
from weir.demo.series import Series

PARTITIONS = 4
DAY_MS = 86_400_000


@dataclass
class Record:
    """A record as a role gets it."""

    value: bytes | None
    key: bytes | None
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes]] = ()


class Transaction:
    """What a batch writes: into the partition's table at once, records kept in ``sent``."""

    def __init__(self, table: dict[bytes, bytes]) -> None:
        self._table = table
        self.sent: list[tuple[str, int, bytes | None, bytes | None, Any]] = []

    def get(self, key: bytes) -> bytes | None:
        return self._table.get(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._table[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._table.pop(key, None)

    def send(self, *record: Any) -> None:
        self.sent.append(record)


class VirtualPlant:
    """``router_ms``: from a reading to its commands on their topic; ``action_ms``: from a command that asks for an
    action to the answer on the commands' topic; ``timer_ms``: from the due moment to the batch that fires the timer.
    """

    def __init__(self, definition: Path, clock: PlantClock, router_ms: int, action_ms: int, timer_ms: int) -> None:
        self.events: list[Event] = []
        self.sent: list[dict[str, Any]] = []
        self.generation = 1
        self._clock, self._router_ms, self._action_ms, self._timer_ms = clock, router_ms, action_ms, timer_ms
        self._process = compile_process(parse_definition(definition.read_text(), str(definition)))
        self._topics = load_topics(Settings(_env_file=None, partitions=PARTITIONS, app_id="demo"))
        self._router = Router(self._topics, self, clock)
        self._tables: list[dict[bytes, bytes]] = [{} for _ in range(PARTITIONS)]
        self._offsets = [count() for _ in range(PARTITIONS)]
        self._processors = [
            PartitionProcessor(number, self._topics, self, clock, DAY_MS) for number in range(PARTITIONS)
        ]
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()
        self._wake_at = [math.inf] * PARTITIONS

    # ---- the definitions, as router and processor ask for them

    def inactive(self, definition_id: str, version: int | None) -> bool:
        return False

    def get(self, definition_id: str, version: int | None) -> Process | None:
        found = definition_id == self._process.id and version in {None, self._process.version}
        return self._process if found else None

    def active(self) -> Iterable[Process]:
        return [self._process]

    all = active

    # ---- what happens

    def play(self, machines: Sequence[Series], schedule: Schedule) -> None:
        """Play every series and let everything end."""
        for series in machines:
            for index, reading in enumerate(series.readings):
                sent = message(series.device_id, reading, schedule.device_time(index))
                self._at(schedule.due_ms(index), partial(self._route, series.device_id, sent))
        while self._agenda:
            at, _, happen = heapq.heappop(self._agenda)
            happen(at)

    def _at(self, when_ms: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (when_ms, next(self._order), happen))

    def _route(self, key: str, reading: dict[str, Any], now_ms: float) -> None:
        record = Record(json.dumps(reading).encode(), key.encode(), next(self._order), int(now_ms))
        routed = self._router.route("heatpump-telemetry", 0, [record], now_ms)
        for topic, partition, key_bytes, value, _ in routed.outputs:
            assert topic == self._topics.commands.name
            assert value is not None
            self._at(now_ms + self._router_ms, partial(self._command, partition, key_bytes, value))

    def _command(self, partition: int, key: bytes | None, value: bytes, now_ms: float) -> None:
        self._batch(partition, [Record(value, key, next(self._offsets[partition]), int(now_ms))], now_ms)

    def _wake(self, partition: int, now_ms: float) -> None:
        if self._wake_at[partition] == now_ms:
            self._wake_at[partition] = math.inf
            self._batch(partition, [], now_ms)

    def _batch(self, partition: int, records: list[Record], now_ms: float) -> None:
        processor, table = self._processors[partition], self._tables[partition]
        txn = Transaction(table)
        processor.committed(processor.process(decode_records(records), txn, now_ms, caught_up=True))
        for topic, _, _, value, _ in txn.sent:
            if topic == self._topics.events.name and value is not None:
                self._happened(partition, decode_event(value), now_ms)
        if (wake_at := processor.wake_at()) is not None:
            when_ms = max(now_ms, wake_at * 1000) + self._timer_ms
            if when_ms < self._wake_at[partition]:
                self._wake_at[partition] = when_ms
                self._at(when_ms, partial(self._wake, partition))

    def _happened(self, partition: int, event: Event, now_ms: float) -> None:
        self.events.append(event)
        if event.type != "action_requested":
            return
        assert event.activity_id is not None
        self.sent.append(event.data["config"])
        answer = CompleteActivity(
            instance_id=event.subject,
            activity_id=event.activity_id,
            execution=event.data["execution"],
            attempt=event.data["attempt"],
        )
        value = msgspec.json.encode(answer)
        self._at(now_ms + self._action_ms, partial(self._command, partition, event.subject.encode(), value))
