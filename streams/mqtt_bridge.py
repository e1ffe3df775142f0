"""The bridge: MQTT messages → telemetry topics, none lost on the way.

    broker ── QoS 1 ──► arrived ──► forward ──► producer (acks=all, idempotent) ──► Kafka
       ▲                                                                             │
       └─────────────────────────────── PUBACK ◄─────────────────────────────────────┘

A message is acknowledged to the MQTT broker after Kafka has acknowledged its record, so whatever happens in between (a
crash, a lost connection) it is delivered again: at least once.  One task sends, in the order of arrival, and waits for
no record; the producer keeps the order within a partition.  At most ``MAX_UNDER_WAY`` messages are under way:
beyond, the bridge leaves the MQTT broker, which then keeps the messages, and comes back when Kafka has caught up.

The session is persistent under the client id ``<app id>-bridge``: one bridge an app.  Where one is not enough, brokers
with shared subscriptions take ``$share/<group>/<filter>``, one client id each.  A message that the broker has retained
is not carried: it is an old reading, and would come again with every subscription.
"""

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NoReturn

import aiomqtt
import paho.mqtt.client as paho
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from streams import ready
from streams.deadletters import MAX_VALUE_BYTES
from streams.kafka import client_options
from streams.mqtt import Acknowledge, MqttAddress, keep_connected, take_delivery, until_lost
from streams.mqtt_routes import KafkaRecord, Routes
from streams.settings import Settings
from streams.topics import Topics, group_of, load_topics

MAX_UNDER_WAY = 1000
QOS = 1
SUBSCRIPTION_REFUSED = 0x80
MAX_REQUEST_BYTES = MAX_VALUE_BYTES + 128 * 1024
RETRY_S = 1.0
DRAIN_S = 1.5
CLOSE_S = 0.5
SUMMARY_S = 30.0

log = structlog.get_logger("weir.bridge")


class BridgeError(Exception):
    """Kafka refuses a record for good: nothing more is acknowledged, and the process ends."""


@dataclass(slots=True)
class Counts:
    """Messages since the start of the process."""

    carried: int = 0
    dead: int = 0
    retained: int = 0
    unmatched: int = 0
    overflows: int = 0
    """How often the bridge left the MQTT broker because Kafka was behind."""


@dataclass(slots=True)
class _Message:
    topic: str
    payload: bytes
    acknowledge: Acknowledge
    refusal: str | None = None
    done: bool = False


class Bridge:
    """Carries messages from connections to the MQTT broker to a started producer."""

    def __init__(self, routes: Routes, producer: AIOKafkaProducer, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives wall time in Unix seconds."""
        self.counts = Counts()
        self._routes, self._producer, self._clock = routes, producer, clock
        self._arrived: asyncio.Queue[_Message] = asyncio.Queue()
        self._under_way: deque[_Message] = deque()
        self._accepting = True
        self._overflow, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._failure: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()

    def status(self) -> dict[str, int]:
        """The counts, and how many messages are under way."""
        return {**asdict(self.counts), "under_way": len(self._under_way)}

    async def serve(self, client: aiomqtt.Client) -> None:
        """One connection.  Returns when too much is under way; raises ``aiomqtt.MqttError`` when it is lost."""
        await self._idle.wait()
        self._overflow.clear()
        take_delivery(client, self._deliver)
        async with client:
            granted = await client.subscribe([(mqtt_filter, QOS) for mqtt_filter in self._routes.filters])
            if SUBSCRIPTION_REFUSED in granted:
                raise aiomqtt.MqttError(f"The broker refused a subscription: {self._routes.filters} got {granted}")
            log.info("carrying MQTT messages", filters=self._routes.filters)
            ready.announce()
            await _first(until_lost(client), self._overflow.wait())
        self.counts.overflows += 1
        log.error("Kafka is behind: left the MQTT broker, which keeps the messages", under_way=len(self._under_way))

    async def forward(self) -> NoReturn:
        """Send what arrives.  Raises ``BridgeError`` or a ``KafkaError`` when Kafka will not take it."""
        while True:
            message = await self._arrived.get()
            now_ms = int(self._clock() * 1000)
            if message.refusal is not None:
                records = [self._routes.dead_letter(message.topic, message.payload, message.refusal, now_ms)]
            else:
                records = self._routes.records(message.topic, message.payload, now_ms)
            if records:
                sent = [await self._send(record) for record in records]
                stored = sent[0] if len(sent) == 1 else asyncio.gather(*sent)
                stored.add_done_callback(partial(self._stored, message, records[0]))
            else:
                self._ignore(message.topic, partial(self._finish, message))

    async def failed(self) -> NoReturn:
        """Wait for a record that Kafka refuses for good.  Raises ``BridgeError``."""
        await self._failure

    async def drain(self) -> None:
        """Take nothing more, and wait until what was taken is finished."""
        self._accepting = False
        await self._idle.wait()

    # ---- one message

    def _deliver(self, message: paho.MQTTMessage, acknowledge: Acknowledge) -> None:
        """Called for each delivery; what is not acknowledged comes again on the next connection.

        After the first message that was left none is taken any more, so that those of a key stay in order.
        """
        if not self._accepting or self._overflow.is_set():
            return
        if len(self._under_way) >= MAX_UNDER_WAY:
            self._overflow.set()
            return
        if message.retain:
            self.counts.retained += 1
            acknowledge()
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:  # raising here would end the connection, and the next one, for ever
            self._ignore("a topic that is not UTF-8", acknowledge)
            return
        arrived = _Message(topic, bytes(message.payload), acknowledge)
        self._idle.clear()
        self._under_way.append(arrived)
        self._arrived.put_nowait(arrived)

    async def _send(self, record: KafkaRecord) -> "asyncio.Future[Any]":
        while True:
            try:
                sent: asyncio.Future[Any] = await self._producer.send(
                    record.topic, record.value, record.key, record.partition, headers=list(record.headers)
                )
            except KafkaTimeoutError:
                log.warning("Kafka takes no records, waiting", topic=record.topic, under_way=len(self._under_way))
            else:
                return sent

    def _stored(self, message: _Message, record: KafkaRecord, stored: "asyncio.Future[Any]") -> None:
        error = stored.exception()
        dead = record.topic == self._routes.dead_letters
        if error is None:
            if dead:
                self.counts.dead += 1
            else:
                self.counts.carried += 1
            self._finish(message)
        elif isinstance(error, MessageSizeTooLargeError) and not dead:
            message.refusal = f"Kafka refused the record for {record.topic}: {error}"
            self._arrived.put_nowait(message)
        elif not self._failure.done():
            self._failure.set_exception(BridgeError(f"Kafka refused a record for {record.topic}: {error!r}"))

    def _ignore(self, mqtt_topic: str, acknowledge: Acknowledge) -> None:
        self.counts.unmatched += 1
        if self.counts.unmatched == 1:
            log.warning("ignoring what no filter in topics.yaml asks for", mqtt_topic=mqtt_topic)
        acknowledge()

    def _finish(self, message: _Message) -> None:
        """Acknowledge in the order of arrival (MQTT 3.1.1, section 4.6), whatever the order in Kafka."""
        message.done = True
        while self._under_way and self._under_way[0].done:
            self._under_way.popleft().acknowledge()
        if not self._under_way:
            self._idle.set()


async def carry(settings: Settings, topics: Topics, stop: asyncio.Event) -> None:
    """Be the bridge until ``stop`` is set, then finish what is under way.

    Raises ``ValueError`` for a bad MQTT url; ``BridgeError`` or a ``KafkaError`` when Kafka will not take the records.
    """
    address = MqttAddress.parse(settings.mqtt_url)
    producer = await _start_producer(settings)
    try:
        routes = Routes(topics, {name: len(await producer.partitions_for(name)) for name in topics.telemetry})
        if not routes.filters:
            log.warning("nothing to carry: no telemetry topic in topics.yaml has an 'mqtt' filter")
            ready.announce()
            await stop.wait()
            return
        bridge = Bridge(routes, producer)
        connected = keep_connected(address, bridge.serve, client_id=group_of(settings, "bridge"), persistent=True)
        await _first(connected, bridge.forward(), bridge.failed(), _summaries(bridge), _drained(bridge, stop))
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
        await _first(carry(settings, topics, stop), _give_up(stop))
    except (BridgeError, KafkaError) as error:
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
    """A started producer, however long Kafka takes to come."""
    while True:
        producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES, **client_options(settings)
        )
        try:
            await producer.start()
        except KafkaConnectionError as error:
            await producer.stop()
            log.warning("no connection to Kafka", brokers=settings.brokers, error=str(error), again_in_s=RETRY_S)
            await asyncio.sleep(RETRY_S)
        except BaseException:
            await producer.stop()
            raise
        else:
            return producer


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


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Run all until one ends, then cancel the others; raises what the ended one raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
