"""The open loop of W1: 20 starts a second, however long they take, and where the time between start and end goes.

Latency is from when the start was due to the ``completed`` event as a ``read_committed`` consumer sees it, and to the
row.  The hops between come from when the broker took each record (its own clock, in milliseconds), read afterwards.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from benchmarks.load import LostError
from benchmarks.meter import Used
from benchmarks.session import Session
from benchmarks.workload import milliseconds, percentile
from streams.codec import decode_command
from streams.core.commands import CompleteActivity, StartProcess
from streams.kafka import client_options

RATE = 20.0
READ_S = 30.0
HALF_MS = 0.0005
"""The broker cuts milliseconds off: on average this much."""


@dataclass
class Times:
    """Of one instance, in Unix seconds, in this order."""

    due: float
    start_taken: float = 0.0
    """The command, by the broker."""
    started: float = 0.0
    """The first event, by the broker: decided, not yet committed."""
    answer_taken: float = 0.0
    """The action worker's command, by the broker."""
    completed: float = 0.0
    """The last event, by the broker."""
    seen: float = 0.0
    row: float = 0.0


HOPS = {
    "send": ("due", "start_taken"),
    "pull and decide the start": ("start_taken", "started"),
    "commit, perform, answer": ("started", "answer_taken"),
    "pull and decide the answer": ("answer_taken", "completed"),
    "commit and see": ("completed", "seen"),
    "row": ("seen", "row"),
}


@dataclass
class OpenLoop:
    """What was found."""

    instances: list[Times]
    used: Used

    def document(self) -> dict[str, Any]:
        """As a line of the output."""
        to_event = [one.seen - one.due for one in self.instances]
        to_row = [one.row - one.due for one in self.instances]
        return {
            "instances": len(self.instances),
            "rate": RATE,
            "p50_ms": milliseconds(percentile(to_event, 0.5)),
            "p99_ms": milliseconds(percentile(to_event, 0.99)),
            "row_p50_ms": milliseconds(percentile(to_row, 0.5)),
            "row_p99_ms": milliseconds(percentile(to_row, 0.99)),
            "hops_ms": self._hops(lambda spans: percentile(spans, 0.5)),
            "hops_mean_ms": self._hops(fmean),
            "cpu_cores": {name: round(spent / self.used.seconds, 3) for name, spent in self.used.cpu_s.items()},
            "foreign_cores": self.used.foreign_cores,
        }

    def _hops(self, summed_up: Callable[[list[float]], float | None]) -> dict[str, float | None]:
        return {
            hop: milliseconds(summed_up([getattr(one, end) - getattr(one, begin) for one in self.instances]))
            for hop, (begin, end) in HOPS.items()
        }


async def open_loop(session: Session, definition: str, variables: dict[str, Any], seconds: float) -> OpenLoop:
    """Start instances of ``definition`` at ``RATE``; returns when all have completed and are in the database."""
    load, count = session.load, round(RATE * seconds)
    times: dict[bytes, Times] = {}
    completed: asyncio.Queue[bytes] = asyncio.Queue()

    def seen(record: ConsumerRecord, now: float) -> None:
        kind = record.headers[0][1]
        if kind == b"started":
            times[record.key] = Times(load.open[record.key], started=_taken(record))
        elif kind == b"completed":
            times[record.key].completed, times[record.key].seen = _taken(record), now
            completed.put_nowait(record.key)

    async def send() -> None:
        began = time.time()
        for number in range(count):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.time()))
            await load.start(definition, variables, {number % load.partitions: 1}, due)

    async def find_rows() -> None:
        for _ in range(count):
            instance = await completed.get()
            times[instance].row = await session.rows.completed(instance.decode())

    consumer = AIOKafkaConsumer(enable_auto_commit=False, **client_options(session.plant.settings))
    await consumer.start()
    try:
        places = [TopicPartition(session.plant.topics.commands.name, number) for number in range(load.partitions)]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        for place in places:
            await consumer.position(place)
        consumer.pause(*places)
        reading = session.meter.read()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(send())
            group.create_task(find_rows())
            await load.until(lambda: sending.done() and not load.open, seen)
        used = reading.until_now()
        consumer.resume(*places)
        await _read_commands(consumer, times)
    finally:
        await consumer.stop()
    return OpenLoop(list(times.values()), used)


async def _read_commands(consumer: AIOKafkaConsumer, times: dict[bytes, Times]) -> None:
    """When the broker took the commands of these instances; of an answer that came twice, the first."""
    starts, answers = set(times), set(times)
    deadline = time.monotonic() + READ_S
    while starts or answers:
        if time.monotonic() > deadline:
            raise LostError(f"Expected the commands of all instances, but {len(starts) + len(answers)} are not there")
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                command = decode_command(record.value)
                instance = (getattr(command, "instance_id", None) or "").encode()
                if isinstance(command, StartProcess) and instance in starts:
                    times[instance].start_taken = _taken(record)
                    starts.remove(instance)
                elif isinstance(command, CompleteActivity) and instance in answers:
                    times[instance].answer_taken = _taken(record)
                    answers.remove(instance)


def _taken(record: ConsumerRecord) -> float:
    """When the broker appended the record."""
    return float(record.timestamp / 1000 + HALF_MS)
