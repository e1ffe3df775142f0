"""The outbox: what gathers behind a record batch in flight makes the next, each partition for itself."""

import asyncio
from typing import Any

import pytest

from streams.outbox import Outbox
from streams.transport.port import TopicPartition
from tests.roles import until

A, B = TopicPartition("out", 0), TopicPartition("out", 1)


class RecordBatch(list[bytes]):
    def append(self, *, value: bytes, **_: Any) -> bool | None:  # type: ignore[override]
        """None when it is full, as aiokafka's builder has it; the first record always fits."""
        if self and len(self) >= 3:
            return None
        super().append(value)
        return True

    def close(self) -> None:
        """Nothing is kept open."""


class Producer:
    """Record batches by partition, each acknowledged when the test says so."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[bytes]]] = []
        self.acknowledgements: list[asyncio.Future[None]] = []

    def create_batch(self) -> RecordBatch:
        return RecordBatch()

    async def send_batch(self, batch: RecordBatch, _topic: str, *, partition: int) -> asyncio.Future[None]:
        self.batches.append((partition, list(batch)))
        self.acknowledgements.append(asyncio.get_running_loop().create_future())
        return self.acknowledgements[-1]


class Bench:
    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.failed: list[tuple[int, Exception]] = []
        self.producer = Producer()
        self.outbox: Outbox[int] = Outbox(
            {}, lambda items: self.sent.append(list(items)), lambda item, error: self.failed.append((item, error))
        )
        self.outbox._producer = self.producer

    def put(self, to: TopicPartition, *items: int) -> None:
        for item in items:
            self.outbox.put(to, (b"k", b"%d" % item, ()), item)

    async def in_flight(self, number: int) -> None:
        await until(lambda: len(self.producer.batches) == number, lambda: str(self.producer.batches))

    async def told(self, number: int) -> None:
        await until(lambda: len(self.sent) + len(self.failed) == number, lambda: f"{self.sent} {self.failed}")


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_what_gathers_behind_a_batch_in_flight_makes_the_next(bench: Bench) -> None:
    bench.put(A, 1)
    await bench.in_flight(1)
    bench.put(A, 2, 3)
    bench.put(B, 4)
    await bench.in_flight(2)
    assert bench.producer.batches == [(0, [b"1"]), (1, [b"4"])]
    assert bench.sent == []
    bench.producer.acknowledgements[0].set_result(None)
    await bench.in_flight(3)
    assert bench.sent == [[1]]
    assert bench.producer.batches[2] == (0, [b"2", b"3"])
    for acknowledgement in bench.producer.acknowledgements[1:]:
        acknowledgement.set_result(None)
    await bench.told(3)
    assert sorted(bench.sent) == [[1], [2, 3], [4]]


async def test_more_than_a_batch_holds_makes_several(bench: Bench) -> None:
    bench.put(A, *range(7))
    await bench.in_flight(3)
    assert [batch for _, batch in bench.producer.batches] == [[b"0", b"1", b"2"], [b"3", b"4", b"5"], [b"6"]]
    for acknowledgement in bench.producer.acknowledgements:
        assert bench.sent == []
        acknowledgement.set_result(None)
    await bench.told(1)
    assert bench.sent == [list(range(7))]


async def test_a_failure_names_the_first_that_is_not_sent(bench: Bench) -> None:
    bench.put(A, 8, 9)
    await bench.in_flight(1)
    bench.producer.acknowledgements[0].set_exception(ConnectionError("lost"))
    await bench.told(1)
    assert (bench.sent, bench.failed[0][0], str(bench.failed[0][1])) == ([], 8, "lost")
    bench.put(A, 10)
    await bench.in_flight(2)


async def test_a_stop_gives_up_what_is_in_flight(bench: Bench) -> None:
    bench.put(A, 1)
    await bench.in_flight(1)
    bench.outbox._producer = None
    await bench.outbox.stop()
    assert (bench.sent, bench.failed) == ([], [])
