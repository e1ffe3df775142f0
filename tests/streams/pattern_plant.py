"""Router and processors over tables in memory, under a virtual clock: readings in, starts out."""

from typing import Any

import msgspec
import orjson

from streams.codec import decode_event, decode_window
from streams.core.clock import PlantClock
from streams.core.commands import Command
from streams.core.decide import home_of
from streams.core.durations import instant_text, parse_instant_ms
from streams.core.events import Event
from streams.core.parse import parse_definition
from streams.core.patterns import Window
from streams.core.process import Process, compile_process
from streams.processing import PartitionProcessor, decode_records
from streams.routing import Router
from streams.settings import Settings
from streams.topics import load_topics
from tests.core.plant import START
from tests.streams.batches import Record, Transaction

PARTITIONS = 2
TOPIC = "heatpump-telemetry"
DEFINITION = """
id: {id}
version: {version}
trigger: {{type: pattern, topic: heatpump-telemetry, {trigger}}}
variables:
  - {{name: device_id, source: tags.device_id}}
  - {{name: t, source: fields.t}}
  - {{name: limit, value: 80}}
activities:
  - {{id: told, type: service, action: log, message: "${{device_id}} ${{t}}"}}
"""


def definition(trigger: str, name: str = "hot", version: int = 1) -> str:
    return DEFINITION.format(id=name, version=version, trigger=trigger)


class PatternPlant:
    """``now`` is plant and wall time in Unix ms; every command is decided in the millisecond in which it is sent."""

    def __init__(self, *definitions: str) -> None:
        self.now = START
        self.generation = 0
        self.off: set[str] = set()
        self.processes: dict[tuple[str, int], Process] = {}
        self.topics = load_topics(Settings(_env_file=None, partitions=PARTITIONS, app_id="app"))
        self.tables: list[dict[bytes, bytes]] = [{} for _ in range(PARTITIONS)]
        self.events: list[Event] = []
        self.rejections: list[dict[str, Any]] = []
        self.letters: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.shown: list[dict[str, Any]] = []
        self.late = 0
        self._offset = 0
        for text in definitions:
            self.deploy(text)
        self._router = Router(self.topics, self, PlantClock())
        self.restart()

    # ---- the definitions, as router and processors ask for them

    def deploy(self, text: str) -> Process:
        process = compile_process(parse_definition(text))
        self.processes[process.id, process.version] = process
        self.generation += 1
        return process

    def get(self, definition_id: str, version: int | None) -> Process | None:
        versions = {v: process for (name, v), process in self.processes.items() if name == definition_id}
        return versions.get(max(versions) if version is None else version) if versions else None

    def inactive(self, definition_id: str, version: int | None) -> bool:
        return definition_id in self.off

    def active(self) -> list[Process]:
        newest = {name: process for (name, _), process in sorted(self.processes.items())}
        return [process for name, process in newest.items() if name not in self.off]

    def all(self) -> list[Process]:
        return list(self.processes.values())

    # ---- what happens

    def restart(self) -> None:
        """Other owners take all partitions over."""
        self.processors = [
            PartitionProcessor(number, self.topics, self, PlantClock(), 86_400_000, table.items())
            for number, table in enumerate(self.tables)
        ]

    def read(self, key: str, *, ago: int = 0, **fields: Any) -> None:
        """A reading arrives that was taken ``ago`` milliseconds before."""
        value = {"tags": {"device_id": key}, "fields": fields, "timestamp": instant_text(self.now - ago)}
        record = Record(orjson.dumps(value), key.encode(), offset=self._offset, timestamp=self.now)
        self._offset += 1
        routed = self._router.route(TOPIC, 0, [record], self.now)
        self._take(routed.outputs)

    def send(self, command: Command) -> None:
        home = home_of(command, PARTITIONS)
        key = getattr(command, "key", None) or ""
        self._take([(self.topics.commands.name, home or 0, key.encode(), msgspec.json.encode(command), ())])

    def later(self, ms: int) -> None:
        """Time passes."""
        self.pass_until(self.now + ms)

    def pass_until(self, end: int) -> None:
        while (wake := min(self._wakes(), default=end + 1)) <= end:
            self.now = max(self.now, wake)
            for partition in range(PARTITIONS):
                self._batch(partition, [])
        self.now = end

    def _wakes(self) -> list[int]:
        wakes = [processor.wake_at() for processor in self.processors]
        return [int(wake * 1000) for wake in wakes if wake is not None]

    def _take(self, outputs: Any) -> None:
        for topic, partition, key, value, headers in outputs:
            if topic == self.topics.commands.name:
                command = orjson.loads(value)
                self.sent.append(command)
                self.shown += [command] if command["type"] == "observe_pattern" else []
                self._batch(partition, [Record(value, key, headers, self._offset, self.now)])
            elif topic == self.topics.dead_letters.name:
                self.letters.append(dict(headers)["weir_reason"].decode())

    def _batch(self, partition: int, records: list[Record]) -> None:
        self._offset += len(records)
        processor = self.processors[partition]
        txn = Transaction(self.tables[partition])
        outcome = processor.process(decode_records(records), txn, self.now, caught_up=True)
        txn.commit()
        processor.committed(outcome)
        self.late += outcome.counts.late
        for topic, _, _, value, _ in txn.sent:
            if topic == self.topics.events.name:
                self.events.append(decode_event(value))
            elif topic == self.topics.rejections.name:
                self.rejections.append(orjson.loads(value))
        self._take([one for one in txn.sent if one[0] in {self.topics.commands.name, self.topics.dead_letters.name}])

    # ---- what came of it

    @property
    def started(self) -> list[tuple[float, str]]:
        """(seconds since the beginning, key) of each match that has started a process."""
        return [(seconds_of(one.data["trigger"]["at"]), one.data["key"]) for one in self.starts]

    @property
    def starts(self) -> list[Event]:
        return [one for one in self.events if one.type == "started"]

    def windows(self) -> dict[str, Window]:
        return {
            key.decode(): decode_window(value)
            for table in self.tables
            for key, value in table.items()
            if key.startswith(b"pattern:")
        }


def seconds_of(moment: str) -> float:
    """Since the beginning."""
    return (parse_instant_ms(moment) - START) / 1000
