"""The bridge: MQTT messages → telemetry topics, none lost on the way (``streams.bridging`` tells how).

The session is persistent under the client id ``<app id>-bridge``: one bridge an app.  Where one is not enough, brokers
with shared subscriptions take ``$share/<group>/<filter>``, one client id each.  A message that the broker has retained
is not carried: it is an old reading, and would come again with every subscription.
"""

import asyncio
import os
import signal
from typing import NoReturn

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, UnknownTopicOrPartitionError

from streams import ready
from streams.bridging import Bridge, BridgeError, first_of
from streams.deadletters import MAX_BYTES
from streams.kafka import client_options, refusal
from streams.monitoring import Monitor
from streams.monitoring.web import MonitorPages
from streams.mqtt import MqttAddress, keep_connected
from streams.mqtt_routes import Routes
from streams.refused import RefusedError
from streams.settings import Settings
from streams.topics import Topics, group_of, load_topics

MAX_REQUEST_BYTES = MAX_BYTES + 1024 * 1024
"""A dead letter, which names its MQTT topic three times: that alone may have 64 KB."""
RETRY_S = 1.0
DRAIN_S = 1.5
CLOSE_S = 0.5
SUMMARY_S = 30.0

log = structlog.get_logger("weir.bridge")


async def carry(settings: Settings, topics: Topics, stop: asyncio.Event) -> None:
    """Be the bridge until ``stop`` is set, then finish what is under way.

    Raises ``MqttUrlError``, ``RefusedError``; ``BridgeError`` or a ``KafkaError`` when Kafka will not take the records.
    """
    address = MqttAddress.of(settings)
    monitor = Monitor("bridge", settings)
    pages = MonitorPages(settings, monitor)
    await pages.start()
    try:
        await _carry(settings, topics, stop, address, monitor)
    finally:
        await pages.stop()


async def _carry(
    settings: Settings, topics: Topics, stop: asyncio.Event, address: MqttAddress, monitor: Monitor
) -> None:
    starting: str | None = "no connection to Kafka yet"
    monitor.check(lambda: starting)
    producer = await _start_producer(settings)
    starting = None
    try:
        routes = Routes(topics, {name: await _partitions(producer, name) for name in topics.telemetry})
        if not routes.filters:
            log.warning("nothing to carry: no telemetry topic in topics.yaml has an 'mqtt' filter")
            ready.announce()
            await stop.wait()
            return
        bridge = Bridge(routes, producer)
        monitor.sample(bridge.samples)
        monitor.check(bridge.check)
        connected = keep_connected(address, bridge.serve, client_id=group_of(settings, "bridge"), persistent=True)
        await first_of(connected, bridge.forward(), bridge.failed(), _summaries(bridge), _drained(bridge, stop))
    finally:
        await _close(producer)


def run(settings: Settings) -> None:
    """Work until told to stop (SIGTERM or SIGINT)."""
    asyncio.run(_main(settings, load_topics(settings)))


async def _main(settings: Settings, topics: Topics) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await first_of(carry(settings, topics, stop), _give_up(stop))
    except (BridgeError, RefusedError, KafkaError) as error:
        log.critical("the bridge ends, to be started again", error=str(error))
        raise SystemExit(os.EX_SOFTWARE) from error


async def _give_up(stop: asyncio.Event) -> None:
    await stop.wait()
    await asyncio.sleep(DRAIN_S + CLOSE_S)


async def _drained(bridge: Bridge, stop: asyncio.Event) -> None:
    await stop.wait()
    try:
        async with asyncio.timeout(DRAIN_S):
            await bridge.drain()
    except TimeoutError:
        log.warning("left messages unacknowledged: the MQTT broker sends them again", **bridge.status())


async def _start_producer(settings: Settings) -> AIOKafkaProducer:
    """A started producer, however long Kafka takes to come.  Raises ``RefusedError``."""
    while True:
        producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES, **client_options(settings)
        )
        try:
            await producer.start()
        except KafkaConnectionError as error:
            await producer.stop()
            if (refused := await refusal(client_options(settings))) is not None:
                raise RefusedError(refused) from None
            log.warning("no connection to Kafka", brokers=settings.brokers, error=str(error), again_in_s=RETRY_S)
            await asyncio.sleep(RETRY_S)
        except BaseException:
            await producer.stop()
            raise
        else:
            return producer


async def _partitions(producer: AIOKafkaProducer, topic: str) -> int:
    """How many partitions ``topic`` has.  Raises ``BridgeError`` when there is no such topic."""
    try:
        return len(await producer.partitions_for(topic))
    except UnknownTopicOrPartitionError:
        raise BridgeError(f"Expected topic {topic} in Kafka, but there is none. Run `weir topics apply`") from None


async def _close(producer: AIOKafkaProducer) -> None:
    """Flush and close; without Kafka that would wait for ever."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await producer.stop()
    except TimeoutError:
        log.warning("left records unsent: their messages are not acknowledged, and come again")


async def _summaries(bridge: Bridge) -> NoReturn:
    """A line now and then, when something happened."""
    told = bridge.status()
    while True:
        await asyncio.sleep(SUMMARY_S)
        if (status := bridge.status()) != told:
            log.info("carried", **status)
            told = status
