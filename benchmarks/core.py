"""What the processor costs without Kafka: ``python benchmarks/core.py [cpu|memory ...] [--json]``.

cpu      CPU microseconds for an instance: start → decision → action → its answer → decision → end, ten events.  From
         the bytes of the commands to the bytes that a transaction holds, by part of the work; the best of the rounds.
memory   resident bytes for an instance that waits for a message under a key, or on a timer, in a process that holds
         100,000 of them: the table, and what the processor remembers beside it.  Each in a process of its own.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import psutil

from streams.codec import decode_event
from streams.core.clock import PlantClock
from streams.core.commands import Command, CompleteActivity, StartProcess
from streams.core.parse import parse_definition
from streams.core.process import Process, compile_process
from streams.processing import PartitionProcessor, decode_records
from streams.records import Headers
from streams.settings import Settings
from streams.topics import load_topics
from streams.transport.contents import TableContents

REDUCE = """
id: reduce
version: 1
trigger: {type: api}
variables: [{name: device_id}, {name: temperature}, {name: threshold}, {name: min_temperature}, {name: command}]
activities:
  - {id: check, type: decision, condition: temperature > threshold, true_path: reduce, false_path: end}
  - {id: reduce, type: service, action: mqtt_publish, output: {command: command},
     config: {topic: "plant/${device_id}", payload: {temperature: "${temperature}"}}}
  - {id: recheck, type: decision, condition: temperature >= min_temperature, true_path: end, false_path: end}
  - {id: end, type: end}
"""
VARIABLES = "variables: [{name: device_id}, {name: temperature}]"
END = "- {id: end, type: end}"
WAITING = {
    "message": f"""
id: message
version: 1
trigger: {{type: api}}
{VARIABLES}
activities:
  - {{id: wait, type: message, name: go}}
  {END}
""",
    "timer": f"""
id: timer
version: 1
trigger: {{type: api}}
{VARIABLES}
activities:
  - {{id: wait, type: timer, duration: 30d}}
  {END}
""",
}
BATCH = 200
START_MS = 1_386_656_700_000
STEP_MS = 1_000
"""Plant time between two batches: the deadlines of actions answered long ago come due during the run."""


@dataclass(slots=True)
class Record:
    """A command as Kafka hands it over."""

    value: bytes
    key: bytes
    offset: int
    timestamp: int
    headers: Headers = ()


class Transaction:
    """What the transport's transaction does with a batch's outcome, without Kafka."""

    def __init__(self, contents: TableContents) -> None:
        self._contents = contents
        self._base = contents.parts[0]
        self._writes: dict[bytes, bytes | None] = {}
        self.sent: list[tuple[bytes | None, bytes | None, Headers]] = []

    def get(self, key: bytes) -> bytes | None:
        return self._writes[key] if key in self._writes else self._base.get(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._writes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._writes[key] = None

    def send(self, _topic: str, _partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        self.sent.append((key, value, headers))

    def commit(self) -> None:
        self._contents.apply_commit(0, self._writes, 0)


class Bench:
    """One partition; ``spent`` is CPU time by part of the work, in seconds."""

    def __init__(self, *definitions: str) -> None:
        self.spent: dict[str, float] = {}
        self.contents = TableContents()
        self.contents.begin(0, 0)
        self._processes = {one.id: one for one in (compile_process(parse_definition(text)) for text in definitions)}
        topics = load_topics(Settings(_env_file=None, partitions=1))
        self.processor = PartitionProcessor(0, topics, self, PlantClock(), 0)
        self._offset = 0
        self._now = START_MS

    def active(self) -> list[Process]:
        return list(self._processes.values())

    def inactive(self, _id: str, _version: int | None) -> bool:
        return False

    def get(self, definition_id: str, _version: int | None) -> Process | None:
        return self._processes.get(definition_id)

    def batch(self, part: str, commands: Sequence[Command]) -> Transaction:
        """Carry out a batch of commands, each under a key of its own."""
        self._now += STEP_MS
        records = []
        for command in commands:
            records.append(Record(msgspec.json.encode(command), b"key", self._offset, self._now))
            self._offset += 1
        txn = Transaction(self.contents)
        with self._spending("decode"):
            decoded = decode_records(records)
            assert not self.processor.lacks_definition(decoded)
        with self._spending(part):
            outcome = self.processor.process(decoded, txn, self._now, caught_up=True)
        txn.commit()
        with self._spending("after commit"):
            self.processor.committed(outcome)
        return txn

    @contextmanager
    def _spending(self, part: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.spent[part] = self.spent.get(part, 0.0) + time.process_time() - began


def reduce_instances(bench: Bench, count: int, first: int) -> None:
    """Run ``count`` instances from start to end, and check that each had its ten events."""
    for at in range(first, first + count, BATCH):
        txn = bench.batch(
            "start",
            [
                StartProcess(
                    definition_id="reduce",
                    definition_version=1,
                    key=f"device-{number}",
                    variables={
                        "device_id": f"device-{number}",
                        "temperature": 31.5,
                        "threshold": 25.0,
                        "min_temperature": 18.0,
                    },
                )
                for number in range(at, at + BATCH)
            ],
        )
        requests = [
            decode_event(value or b"") for _, value, headers in txn.sent if headers[0][1] == b"action_requested"
        ]
        answers = [
            CompleteActivity(
                instance_id=request.subject,
                activity_id="reduce",
                execution=request.data["execution"],
                attempt=request.data["attempt"],
                output={"command": "reduce"},
            )
            for request in requests
        ]
        done = bench.batch("answer", answers)
        assert len(requests) == BATCH
        assert len(txn.sent) + len(done.sent) == 10 * BATCH, "ten events an instance"
        assert sum(headers[0][1] == b"completed" for _, _, headers in done.sent) == BATCH


def cpu(count: int, rounds: int) -> dict[str, float]:
    """Microseconds an instance, by part of the work; the best round of each."""
    best: dict[str, float] = {}
    bench = Bench(REDUCE)
    reduce_instances(bench, 30 * BATCH, 0)
    gc.freeze()  # as the role does
    for number in range(rounds):
        bench.spent.clear()
        reduce_instances(bench, count, (number + 1) * 1_000_000)
        costs = {part: seconds / count * 1e6 for part, seconds in bench.spent.items()}
        costs["total"] = sum(costs.values())
        best = {part: min(cost, best.get(part, cost)) for part, cost in costs.items()}
    return {part: round(cost, 1) for part, cost in best.items()}


def waiting_bytes(kind: str, count: int) -> float:
    """Resident bytes an instance that waits, in this process."""
    bench = Bench(WAITING[kind])
    process = psutil.Process()

    def start(first: int, number: int) -> None:
        for at in range(first, first + number, BATCH):
            bench.batch(
                "start",
                [
                    StartProcess(
                        definition_id=kind,
                        definition_version=1,
                        key=f"device-{name}",
                        variables={"device_id": f"device-{name}", "temperature": 31.5},
                    )
                    for name in range(at, at + BATCH)
                ],
            )
        gc.collect()

    start(0, 10 * BATCH)
    before = process.memory_info().rss
    start(10 * BATCH, count)
    return (process.memory_info().rss - before) / count


def memory(count: int) -> dict[str, float]:
    """Resident bytes an instance, by what it waits for."""
    found = {}
    for kind in WAITING:
        command = [sys.executable, __file__, "waiting", "--kind", kind, "--count", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[kind] = round(float(done.stdout))
    return found


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["cpu", "memory"])
    parser.add_argument("--count", type=int, help="instances: 4,000 a round for cpu, 100,000 for memory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--kind", default="message", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.what == ["waiting"]:
        print(waiting_bytes(asked.kind, asked.count or 100_000))
        return
    found: dict[str, dict[str, float]] = {}
    if "cpu" in asked.what:
        found["cpu_us_per_instance"] = cpu(asked.count or 4_000, asked.rounds)
    if "memory" in asked.what:
        found["rss_bytes_per_waiting_instance"] = memory(asked.count or 100_000)
    if asked.json:
        print(json.dumps(found))
        return
    for title, values in found.items():
        print(title.replace("_", " "))
        for name, value in values.items():
            print(f"  {name:<14}{value:>10,.1f}")


if __name__ == "__main__":
    main()
