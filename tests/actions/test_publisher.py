"""The real publisher against brokers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from streams.actions import ActionError
from streams.actions.publisher import MAX_TRIES, MqttMessage, MqttPublisher
from streams.mqtt import MqttAddress

CONNACK, PUBACK = b"\x20\x02\x00\x00", b"\x40\x02"
MESSAGE = MqttMessage("a", b"x")
Publish = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]


class Broker:
    """Accepts connections; ``on_publish(number, packet id, writer)`` decides what a PUBLISH (QoS 1) gets."""

    def __init__(self, on_publish: Publish) -> None:
        self.on_publish = on_publish
        self.publishes = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                kind, length = await reader.readexactly(2)
                body = await reader.readexactly(length)
                if kind >> 4 == 1:
                    writer.write(CONNACK)
                elif kind >> 4 == 3:
                    self.publishes += 1
                    topic_end = 2 + int.from_bytes(body[:2], "big")
                    await self.on_publish(self.publishes, body[topic_end : topic_end + 2], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has left
        finally:
            writer.close()


@asynccontextmanager
async def publishing_to(on_publish: Publish) -> AsyncIterator[tuple[MqttPublisher, Broker]]:
    broker = Broker(on_publish)
    server = await asyncio.start_server(broker.talk, "127.0.0.1", 0)
    publisher = MqttPublisher(MqttAddress("127.0.0.1", server.sockets[0].getsockname()[1]), "publisher")
    await publisher.start()
    try:
        yield publisher, broker
    finally:
        await publisher.stop()
        server.close()
        await server.wait_closed()


async def acknowledge(_: int, packet_id: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(PUBACK + packet_id)


async def test_a_message_is_done_when_the_broker_has_acknowledged_it() -> None:
    async with publishing_to(acknowledge) as (publisher, broker):
        await publisher.publish(MESSAGE, timeout_s=10)
        assert broker.publishes == 1


async def test_a_message_goes_again_when_the_connection_is_lost_before_the_acknowledgement() -> None:
    async def second_time(number: int, packet_id: bytes, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            writer.close()
        else:
            await acknowledge(number, packet_id, writer)

    async with publishing_to(second_time) as (publisher, broker):
        await publisher.publish(MESSAGE, timeout_s=10)
        assert broker.publishes == 2


async def test_a_message_that_makes_the_broker_hang_up_is_given_up_and_the_next_goes() -> None:
    async def hang_up(number: int, packet_id: bytes, writer: asyncio.StreamWriter) -> None:
        if number <= MAX_TRIES:
            writer.close()
        else:
            await acknowledge(number, packet_id, writer)

    async with publishing_to(hang_up) as (publisher, broker):
        with pytest.raises(
            ActionError, match=r"closed the connection 3 times.*May this client publish to 'a'"
        ) as failed:
            await publisher.publish(MESSAGE, timeout_s=30)
        assert (failed.value.error_type, failed.value.retryable) == ("unavailable", True)
        await publisher.publish(MESSAGE, timeout_s=30)
        assert broker.publishes == MAX_TRIES + 1


async def test_a_broker_that_never_acknowledges_is_told_from_one_that_is_not_there() -> None:
    async def ignore(*_: object) -> None:
        pass

    async with publishing_to(ignore) as (publisher, _):
        with pytest.raises(ActionError, match=r"did not acknowledge the message within 0.3 s"):
            await publisher.publish(MESSAGE, timeout_s=0.3)
    nobody = MqttPublisher(MqttAddress("127.0.0.1", 24_998), "publisher")
    await nobody.start()
    with pytest.raises(ActionError, match=r"mqtt://127.0.0.1:24998 could not be reached within 0.1 s"):
        await nobody.publish(MESSAGE, timeout_s=0.1)
    await nobody.stop()


async def test_many_messages_go_at_the_same_time() -> None:
    waiting: list[bytes] = []

    async def all_at_once(_: int, packet_id: bytes, writer: asyncio.StreamWriter) -> None:
        waiting.append(packet_id)
        if len(waiting) == 100:
            writer.write(b"".join(PUBACK + one for one in reversed(waiting)))

    async with publishing_to(all_at_once) as (publisher, broker):
        await asyncio.gather(*(publisher.publish(MESSAGE, timeout_s=30) for _ in range(100)))
        assert broker.publishes == 100
