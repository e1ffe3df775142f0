"""The bridge as a process, between the real MQTT broker and the real Kafka."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
from aiokafka.structs import ConsumerRecord

from streams.bridging import MAX_UNDER_WAY
from streams.core.ids import partition_for
from streams.mqtt import MqttAddress
from streams.settings import Settings
from streams.topics import Topics, apply_topics, load_topics
from tests.roles import Topic, reading, running
from tests.site import make_site, own_topics, telemetry_topic
from weir.stack.mqtt import find_mosquitto
from weir.stack.stack import Stack

MODULE = "streams.mqtt_bridge"
CARRYING = "carrying MQTT messages"
PARTITIONS = 4
IN_FLIGHT = 100
STOP_S = 15.0
"""Two seconds is what the bridge allows itself; the rest is for the machine, which other tests may use as well."""


@asynccontextmanager
async def publisher(settings: Settings) -> AsyncIterator[aiomqtt.Client]:
    address = MqttAddress.parse(settings.mqtt_url)
    async with aiomqtt.Client(address.host, address.port) as client:
        client.pending_calls_threshold = IN_FLIGHT
        yield client


def payload(device: str, number: int) -> bytes:
    return json.dumps({"tags": {"device_id": device}, "fields": {"n": number}, "timestamp": 1}).encode()


async def publish(client: aiomqtt.Client, settings: Settings, numbers: Sequence[int], devices: int = 5) -> list[bytes]:
    """Publish readings with QoS 1, many at a time; returns their payloads."""
    room = asyncio.Semaphore(IN_FLIGHT)

    async def one(number: int) -> bytes:
        device = f"hp{number % devices}"
        value = payload(device, number)
        async with room:
            await client.publish(f"{settings.app_id}/heatpump/{device}/telemetry", value, qos=1, timeout=60)
        return value

    return list(await asyncio.gather(*(one(number) for number in numbers)))


def values(records: Sequence[ConsumerRecord]) -> set[bytes]:
    return {record.value for record in records}


def assert_in_order(records: Sequence[ConsumerRecord]) -> None:
    """Each device's readings came in the order in which they were published."""
    seen: dict[bytes, list[int]] = defaultdict(list)
    for record in records:
        seen[record.key].append(json.loads(record.value)["fields"]["n"])
    for numbers in seen.values():
        assert numbers == sorted(numbers)


@asynccontextmanager
async def site(settings: Settings, folder: Path) -> AsyncIterator[tuple[Settings, Topics, Topic]]:
    own, topics = await make_site(settings, folder)
    async with reading(own, telemetry_topic(own), PARTITIONS) as telemetry:
        yield own, topics, telemetry


async def test_every_message_arrives_as_it_was_sent_once_and_in_order(settings: Settings, tmp_path: Path) -> None:
    async with site(settings, tmp_path) as (own, _, telemetry), running(MODULE, own, tmp_path) as bridge:
        await bridge.said(CARRYING)
        async with publisher(own) as client:
            sent = await publish(client, own, range(1000))
        records = await telemetry.count(len(sent))
        assert sorted(record.value for record in records) == sorted(sent)
        assert_in_order(records)
        for record in records:
            device = json.loads(record.value)["tags"]["device_id"]
            assert record.key == device.encode()
            assert record.partition == partition_for(device, PARTITIONS)
            assert record.headers == (("mqtt_topic", f"{own.app_id}/heatpump/{device}/telemetry".encode()),)
        assert await bridge.stop() < STOP_S


async def test_nothing_is_lost_when_the_bridge_is_killed_or_away(settings: Settings, tmp_path: Path) -> None:
    async with site(settings, tmp_path) as (own, _, telemetry), publisher(own) as client:
        async with running(MODULE, own, tmp_path) as bridge:
            await bridge.said(CARRYING)
            publishing = asyncio.create_task(publish(client, own, range(2000)))
            await telemetry.count(300)
            await bridge.kill()
            sent = await publishing
        sent += await publish(client, own, range(2000, 2200))
        for _ in range(2):  # once more, since the first may leave again in the middle
            async with running(MODULE, own, tmp_path) as bridge:
                await bridge.said(CARRYING)
                sent += await publish(client, own, range(len(sent), len(sent) + 50))
                await bridge.stop()
        async with running(MODULE, own, tmp_path):
            records = await telemetry.until(lambda records: values(records) >= set(sent))
        assert values(records) == set(sent)
        assert len(records) <= len(sent) + 2000  # what was under way when it was killed is sent again, once


async def test_what_is_no_reading_goes_to_the_dead_letters_and_blocks_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    giant = b'{"fields": {"t": "' + b"x" * 5_000_000 + b'"}}'
    beyond = b"y" * 12_000_000
    bad = [b"{", b"", b"[1]", b'{"fields": {"t": NaN}}', b'{"tags": {"device_id": "\\u0000"}}', giant, beyond]
    async with (
        site(settings, tmp_path) as (own, topics, telemetry),
        reading(own, topics.dead_letters.name, 1) as dead_letters,
        running(MODULE, own, tmp_path) as bridge,
        publisher(own) as client,
    ):
        await bridge.said(CARRYING)
        topic = f"{own.app_id}/heatpump/hp1/telemetry"
        for number, value in enumerate(bad):
            await client.publish(topic, value, qos=1, timeout=60)
            await client.publish(topic, payload("hp1", number), qos=1)
        assert_in_order(await telemetry.count(len(bad)))
        letters = await dead_letters.count(len(bad))
        assert [letter.value for letter in letters[:-1]] == bad[:-1]
        assert letters[-1].value == beyond[: len(letters[-1].value)]
        headers = [dict(letter.headers) for letter in letters]
        assert {(one["weir_topic"], one["weir_role"]) for one in headers} == {(f"mqtt:{topic}".encode(), b"bridge")}
        reasons = [one["weir_reason"].decode() for one in headers]
        assert "at most 262144 bytes, but got 5000021" in reasons[-2]
        assert "cut from 12000000 to" in reasons[-1]
        assert await bridge.stop() < STOP_S
        assert "MqttError" not in bridge.output()


async def test_a_reading_that_kafka_finds_too_large_is_a_dead_letter(settings: Settings, tmp_path: Path) -> None:
    own = own_topics(settings, tmp_path)
    own.topics_file.write_text(
        own.topics_file.read_text().replace("{retention.ms: 604800000}", "{max.message.bytes: 2000}")
    )
    topics = load_topics(own)
    await apply_topics(own, topics)
    async with (
        reading(own, topics.dead_letters.name, 1) as dead_letters,
        reading(own, telemetry_topic(own), PARTITIONS) as telemetry,
        running(MODULE, own, tmp_path) as bridge,
        publisher(own) as client,
    ):
        await bridge.said(CARRYING)
        topic = f"{own.app_id}/heatpump/hp1/telemetry"
        value = json.dumps({"tags": {"device_id": "hp1"}, "fields": {"t": "x" * 3000}}).encode()
        await client.publish(topic, value, qos=1)
        [letter] = await dead_letters.count(1)
        assert letter.value == value
        assert b"Kafka refused the record" in dict(letter.headers)["weir_reason"]
        await client.publish(topic, payload("hp1", 1), qos=1)
        assert values(await telemetry.count(1)) == {payload("hp1", 1)}


async def test_a_retained_message_is_an_old_reading_and_stays_where_it_is(settings: Settings, tmp_path: Path) -> None:
    async with site(settings, tmp_path) as (own, _, telemetry), publisher(own) as client:
        old = f"{own.app_id}/heatpump/old/telemetry"
        await client.publish(old, payload("old", 1), qos=1, retain=True)
        async with running(MODULE, own, tmp_path) as bridge:
            await bridge.said(CARRYING)
            sent = await publish(client, own, range(10))
            await client.publish(old, payload("old", 2), qos=1, retain=True)  # to a subscriber that is there it is new
            records = await telemetry.count(11)
            assert values(records) == {*sent, payload("old", 2)}
        await client.publish(old, b"", retain=True)


async def test_while_kafka_is_away_the_mqtt_broker_keeps_the_messages(
    settings: Settings, tmp_path: Path, running_stack: Stack
) -> None:
    async with (
        site(settings, tmp_path) as (own, _, telemetry),
        running(MODULE, own, tmp_path) as bridge,
        publisher(own) as client,
    ):
        await bridge.said(CARRYING)
        sent = await publish(client, own, range(100))
        await telemetry.count(100)
        await asyncio.to_thread(running_stack.stop_process, "kafka")
        try:
            sent += await publish(client, own, range(100, 100 + 2 * MAX_UNDER_WAY))
            if find_mosquitto() is None:  # mosquitto sends no more than the bridge takes
                await bridge.said("Kafka is behind")
            async with running(MODULE, own.model_copy(update={"app_id": f"{own.app_id}-b"}), tmp_path) as other:
                await other.said("no connection to Kafka")
                assert await other.stop(ready=False) < STOP_S
        finally:
            await asyncio.to_thread(running_stack.up)
        records = await telemetry.until(lambda records: values(records) >= set(sent))
        assert values(records) == set(sent)
        assert await bridge.stop() < STOP_S


async def test_a_bridge_without_kafka_stops_in_time_and_loses_nothing(
    settings: Settings, tmp_path: Path, running_stack: Stack
) -> None:
    async with site(settings, tmp_path) as (own, _, telemetry), publisher(own) as client:
        async with running(MODULE, own, tmp_path) as bridge:
            await bridge.said(CARRYING)
            await asyncio.to_thread(running_stack.stop_process, "kafka")
            try:
                sent = await publish(client, own, range(50))
                assert await bridge.stop() < STOP_S
                assert "left messages unacknowledged" in bridge.output()
            finally:
                await asyncio.to_thread(running_stack.up)
        async with running(MODULE, own, tmp_path):
            records = await telemetry.until(lambda records: values(records) >= set(sent))
        assert values(records) == set(sent)


async def test_the_bridge_comes_back_to_a_restarted_mqtt_broker(
    settings: Settings, tmp_path: Path, running_stack: Stack
) -> None:
    known = settings.model_copy(update={"mqtt_url": settings.mqtt_url.replace("mqtt://", "mqtt://me:secret@")})
    async with site(known, tmp_path) as (own, _, telemetry), running(MODULE, own, tmp_path) as bridge:
        await bridge.said(CARRYING)
        await asyncio.to_thread(running_stack.stop_process, "mqtt")
        await bridge.said("no MQTT connection")
        await asyncio.to_thread(running_stack.up)
        await bridge.said(CARRYING, times=2)
        async with publisher(own) as client:
            sent = await publish(client, own, range(10))
        assert values(await telemetry.count(10)) == set(sent)
        assert "secret" not in bridge.output()


async def test_without_filters_there_is_nothing_to_carry(settings: Settings, tmp_path: Path) -> None:
    own = own_topics(settings, tmp_path)
    lines = own.topics_file.read_text().splitlines()
    own.topics_file.write_text("\n".join(line for line in lines if " mqtt:" not in line))
    await apply_topics(own, load_topics(own))
    async with running(MODULE, own, tmp_path) as bridge:
        await bridge.said("nothing to carry")
        assert await bridge.stop() < STOP_S
