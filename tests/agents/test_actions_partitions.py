"""The action worker's partitions: what is taken, held back, given up and taken again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from streams.agents import actions
from streams.agents.actions import ActionWorker
from streams.performing import Answer, Requested
from streams.settings import Settings
from streams.topics import load_topics
from streams.transport import TopicPartition
from tests.roles import until
from tests.site import TOPICS

EVENTS = TopicPartition("process-events", 1)
REQUESTED = (("ce_type", b"action_requested"),)
OTHER = (("ce_type", b"started"),)
SUBJECT = "01a2b3c4-d5e6-8001-8000-000000000001"


class Record(NamedTuple):
    offset: int
    headers: Any = REQUESTED
    value: bytes | None = None
    key: bytes | None = b"k"
    timestamp: int = 0


def request(offset: int) -> Record:
    event = {
        "v": 1,
        "type": "action_requested",
        "subject": SUBJECT,
        "seq": 1,
        "time": "2026-01-01T00:00:00Z",
        "definition_id": "d",
        "definition_version": 1,
        "cause": "1:1",
        "activity_id": "a",
        "data": {
            "action": "act",
            "config": {"offset": offset},
            "execution": 1,
            "attempt": 1,
            "idempotency_key": f"{SUBJECT}:a:1",
            "not_after": "2026-01-01T00:00:00Z",
        },
    }
    return Record(offset, value=msgspec.json.encode(event))


class Batch:
    def __init__(self, *records: Record, start: int = 0, end: int | None = None) -> None:
        self.tp, self.records, self.start = EVENTS, records, start
        self.end = records[-1].offset + 1 if end is None else end
        self.dropped = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


class Performing:
    """Performs until the test says so."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._ends: dict[int, asyncio.Event] = {}

    async def answer(self, requested: Requested) -> Answer:
        offset = requested.config["offset"]
        self.begun.append(offset)
        await self._end(offset).wait()
        return Answer("completed", b"answer to %d" % offset)

    def end(self, *offsets: int) -> None:
        for offset in offsets:
            self._end(offset).set()

    def _end(self, offset: int) -> asyncio.Event:
        return self._ends.setdefault(offset, asyncio.Event())


class Kafka:
    """Producer and source in one: answers that were sent, and the position that is kept."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes, int]] = []
        self.position: int | None = None

    def create_batch(self) -> "RecordBatch":
        return RecordBatch()

    async def send_batch(self, batch: "RecordBatch", topic: str, *, partition: int) -> asyncio.Future[None]:
        self.sent += [(topic, value, key, partition) for key, value in batch.messages]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def store_offset(self, tp: TopicPartition, offset: int) -> None:
        assert tp == EVENTS
        self.position = offset


class RecordBatch:
    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes]] = []

    def append(self, *, key: bytes, value: bytes, **_: Any) -> int:
        self.messages.append((key, value))
        return len(self.messages)

    def close(self) -> None:
        """Nothing is kept open."""


class Bench:
    def __init__(self, concurrency: int) -> None:
        settings = Settings(_env_file=None, topics_file=Path(TOPICS), action_concurrency=concurrency)
        self.worker = ActionWorker(settings, load_topics(settings))
        self.performing, self.kafka = Performing(), Kafka()
        self.worker._performing = self.performing  # type: ignore[assignment]
        self.worker._outbox._producer = self.kafka  # type: ignore[assignment]
        self.worker.source = self.kafka  # type: ignore[assignment]

    async def run(self, batch: Batch) -> None:
        await self.worker.run(batch)  # type: ignore[arg-type]

    async def settle(self, *, begun: list[int] | None = None, position: int | None = None) -> None:
        def holds() -> bool:
            return begun in (None, self.performing.begun) and position in (None, self.kafka.position)

        await until(holds, lambda: f"{self.performing.begun} at {self.kafka.position}", deadline_s=10)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench(concurrency=2)
    yield one
    await one.worker._pool.stop()


async def test_requests_run_at_the_same_time_up_to_the_limit(bench: Bench) -> None:
    await bench.run(Batch(Record(0, OTHER), request(1), request(2), Record(3, OTHER), request(4), start=0, end=9))
    await bench.settle(begun=[1, 2], position=1)
    bench.performing.end(2)
    await bench.settle(begun=[1, 2, 4], position=1)
    bench.performing.end(1)
    await bench.settle(position=4)
    bench.performing.end(4)
    await bench.settle(position=9)
    assert bench.kafka.sent == [
        ("process-commands", b"answer to %d" % offset, SUBJECT.encode(), 1) for offset in (2, 1, 4)
    ]
    assert bench.worker.status() == {"completed": 3, "running": 0, "pending": 0}


async def test_events_that_ask_for_nothing_move_the_position_at_once(bench: Bench) -> None:
    await bench.run(Batch(Record(5, OTHER, b"not decoded"), Record(6, OTHER), start=5))
    assert bench.kafka.position == 7


async def test_a_partition_that_goes_takes_along_what_has_not_begun(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "DRAIN_S", 0.05)
    await bench.run(Batch(*map(request, range(5))))
    await bench.settle(begun=[0, 1])
    bench.performing.end(0)
    await bench.settle(begun=[0, 1, 2], position=1)
    revoking = asyncio.create_task(bench.worker.revoked(1))
    bench.performing.end(1)
    await revoking
    await bench.settle(position=2)
    assert bench.performing.begun == [0, 1, 2]
    bench.performing.end(2)
    await until(lambda: len(bench.kafka.sent) == 3, lambda: str(bench.kafka.sent), deadline_s=10)
    assert bench.kafka.position == 2  # it is another worker's now
    assert bench.worker.status()["pending"] == 0


async def test_a_partition_that_comes_back_finds_its_running_actions(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "DRAIN_S", 0.05)
    await bench.run(Batch(*map(request, range(3))))
    await bench.settle(begun=[0, 1], position=0)
    await bench.worker.revoked(1)
    await bench.run(Batch(*map(request, range(3))))
    bench.performing.end(1)
    await bench.settle(begun=[0, 1, 2], position=0)
    bench.performing.end(0, 2)
    await bench.settle(position=3)
    assert bench.performing.begun == [0, 1, 2]


async def test_no_more_is_taken_than_can_be_held(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MAX_PENDING", 3)
    running = asyncio.create_task(bench.run(Batch(*map(request, range(5)))))
    await bench.settle(begun=[0, 1])
    await until(lambda: bench.worker.status()["pending"] == 3, lambda: str(bench.worker.status()), deadline_s=10)
    assert not running.done()
    bench.performing.end(0, 1, 2, 3, 4)
    await running
    await bench.settle(position=5)


async def test_a_batch_that_waits_for_room_lets_its_partition_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MAX_PENDING", 2)
    batch = Batch(*map(request, range(5)))
    running = asyncio.create_task(bench.run(batch))
    await bench.settle(begun=[0, 1])
    batch.dropped = True
    await running
    bench.performing.end(0, 1)
    await bench.worker.revoked(1)
    assert bench.kafka.position == 2  # not 5: the others were not taken


async def test_what_is_no_request_is_a_dead_letter(bench: Bench) -> None:
    await bench.run(Batch(Record(4, REQUESTED, b"{"), start=4))
    await bench.settle(position=5)
    [(topic, value, _, partition)] = bench.kafka.sent
    assert (topic, value, partition) == ("process-dead-letters", b"{", 0)
    assert bench.worker.status()["dead"] == 1


async def test_an_answer_that_kafka_refuses_ends_the_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(actions, "exit_process", lambda message, _error=None: ended.append(message))

    async def send(*_: Any, **__: Any) -> None:
        raise RuntimeError("refused")

    monkeypatch.setattr(bench.kafka, "send_batch", send)
    bench.performing.end(3)
    await bench.run(Batch(request(3), start=3))
    await until(lambda: bool(ended), lambda: "still there", deadline_s=10)
    assert "process-events[1] at 3" in ended[0]
