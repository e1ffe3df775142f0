"""The bridge's work with a producer under the test's control: what is acknowledged when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import paho.mqtt.client as paho
import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from streams import bridging, mqtt_routes
from streams.bridging import Bridge, BridgeError
from streams.mqtt_routes import Routes
from streams.topics import Topic, Topics
from tests.roles import until

TOPIC = "home/hp1/telemetry"


class Producer:
    """Takes records; the test ends their futures."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, asyncio.Future[None]]] = []
        self.timeouts = 0

    async def send(self, topic: str, value: bytes, *_: Any, **__: Any) -> asyncio.Future[None]:
        if self.timeouts:
            self.timeouts -= 1
            raise KafkaTimeoutError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent.append((topic, value, future))
        return future


class Bench:
    """A bridge between deliveries of the test and ``producer``; ``acknowledged`` in the order of acknowledgement."""

    def __init__(self) -> None:
        self.producer = Producer()
        names = ("commands", "events", "changelog", "rejections", "definitions", "dead", "positions", "audit")
        telemetry = {"telemetry": Topic("telemetry", 4, 1, mqtt="home/+/telemetry")}
        topics = Topics(*[Topic(name, 4, 1) for name in names], telemetry)
        self.bridge = Bridge(Routes(topics, {"telemetry": 4}), self.producer)  # type: ignore[arg-type]
        self.acknowledged: list[int] = []

    def deliver(
        self, number: int, payload: bytes = b"{}", topic: bytes = TOPIC.encode(), *, retain: bool = False
    ) -> None:
        message = paho.MQTTMessage(mid=number, topic=topic)
        message.payload, message.qos, message.retain = payload, 1, retain
        self.bridge._deliver(message, lambda: self.acknowledged.append(number))

    async def forwarded(self, count: int) -> None:
        await until(lambda: len(self.producer.sent) == count, lambda: str(self.producer.sent))

    def stored(self, index: int, error: Exception | None = None) -> None:
        future = self.producer.sent[index][2]
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    forwarding = asyncio.create_task(one.bridge.forward())
    yield one
    forwarding.cancel()
    await asyncio.gather(forwarding, return_exceptions=True)


async def settle(holds: Callable[[], bool]) -> None:
    await until(holds, lambda: "did not settle", deadline_s=10)


async def test_acknowledgements_keep_the_order_of_arrival(bench: Bench) -> None:
    for number in range(4):
        bench.deliver(number)
    await bench.forwarded(4)
    bench.stored(1)
    bench.stored(3)
    bench.deliver(4, retain=True)
    await asyncio.sleep(0)
    assert bench.acknowledged == []
    bench.stored(0)
    await settle(lambda: bench.acknowledged == [0, 1])
    bench.stored(2)
    await settle(lambda: bench.acknowledged == [0, 1, 2, 3, 4])
    assert bench.bridge.status() == {
        "carried": 4,
        "dead": 0,
        "retained": 1,
        "unmatched": 0,
        "overflows": 0,
        "under_way": 0,
    }


async def test_beyond_the_limit_nothing_is_taken_until_the_next_connection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridging, "MAX_UNDER_WAY", 2)
    for number in range(4):
        bench.deliver(number)
    await bench.forwarded(2)
    bench.stored(0)
    bench.stored(1)
    await settle(lambda: bench.acknowledged == [0, 1])
    bench.deliver(4)
    assert bench.bridge._overflow.is_set()
    assert bench.bridge.status()["under_way"] == 0


async def test_the_limit_is_also_one_of_bytes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridging, "MAX_BYTES_UNDER_WAY", 10)
    bench.deliver(0, b'{"a": "1234567890"}')
    assert not bench.bridge._overflow.is_set()
    bench.deliver(1)
    assert bench.bridge._overflow.is_set()
    await bench.forwarded(1)
    bench.stored(0)
    await settle(lambda: bench.acknowledged == [0])


async def test_a_record_that_kafka_finds_too_large_becomes_a_dead_letter_before_it_is_acknowledged(
    bench: Bench,
) -> None:
    bench.deliver(0, b'{"fields": {}}')
    await bench.forwarded(1)
    bench.stored(0, MessageSizeTooLargeError())
    await bench.forwarded(2)
    assert bench.acknowledged == []
    assert bench.producer.sent[1][:2] == ("dead", b'{"fields": {}}')
    bench.stored(1)
    await settle(lambda: bench.acknowledged == [0])
    assert bench.bridge.counts.dead == 1


async def test_a_message_that_trips_a_bug_of_ours_is_a_dead_letter_and_the_next_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_raw: bytes) -> None:
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(mqtt_routes, "decode_reading", broken)
        bench.deliver(0, b'{"fields": {}}')
        await bench.forwarded(1)
    bench.deliver(1, b'{"fields": {}}')
    await bench.forwarded(2)
    assert [topic for topic, *_ in bench.producer.sent] == ["dead", "telemetry"]
    bench.stored(0)
    bench.stored(1)
    await settle(lambda: bench.acknowledged == [0, 1])


@pytest.mark.parametrize("error", [UnknownTopicOrPartitionError(), MessageSizeTooLargeError()])
async def test_a_record_refused_for_good_ends_the_bridge_unacknowledged(bench: Bench, error: Exception) -> None:
    bench.deliver(0, b"no reading")
    await bench.forwarded(1)
    bench.stored(0, error)
    with pytest.raises(BridgeError, match="Kafka refused a record for dead"):
        await bench.bridge.failed()
    assert bench.acknowledged == []


async def test_a_full_producer_is_waited_for(bench: Bench) -> None:
    bench.producer.timeouts = 3
    bench.deliver(0)
    await bench.forwarded(1)
    bench.stored(0)
    await settle(lambda: bench.acknowledged == [0])


@pytest.mark.parametrize("topic", [b"other/topic", b"home/\xff/telemetry"])
async def test_what_no_filter_asks_for_is_acknowledged_and_counted(bench: Bench, topic: bytes) -> None:
    bench.deliver(0, topic=topic)
    await settle(lambda: bench.acknowledged == [0])
    assert bench.bridge.counts.unmatched == 1
    assert bench.producer.sent == []


async def test_draining_takes_nothing_more_and_waits_for_the_rest(bench: Bench) -> None:
    bench.deliver(0)
    draining = asyncio.create_task(bench.bridge.drain())
    await bench.forwarded(1)
    bench.deliver(1)
    assert not draining.done()
    bench.stored(0)
    async with asyncio.timeout(10):
        await draining
    assert bench.acknowledged == [0]
