"""The bridge's work: from deliveries of the MQTT broker to acknowledged records in Kafka, and back.

    broker ── QoS 1 ──► arrived ──► forward ──► producer (acks=all, idempotent) ──► Kafka
       ▲                                                                             │
       └─────────────────────────────── PUBACK ◄─────────────────────────────────────┘

A message is acknowledged to the MQTT broker after Kafka has acknowledged its record, so whatever happens in between (a
crash, a lost connection) it is delivered again: at least once.  One task sends, in the order of arrival, and waits for
no record; the producer keeps the order within a partition.  Beyond ``MAX_UNDER_WAY`` messages under way the bridge
leaves the MQTT broker, which then keeps the messages, and comes back when Kafka has caught up.
"""

import asyncio
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
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from streams import ready
from streams.cancelling import cancel
from streams.monitoring import Sample
from streams.mqtt import Acknowledge, take_delivery, until_lost
from streams.mqtt_routes import KafkaRecord, Routes

MAX_UNDER_WAY = 1000
MAX_BYTES_UNDER_WAY = 64 * 1024 * 1024
QOS = 1
SUBSCRIPTION_REFUSED = 0x80

log = structlog.get_logger("weir.bridge")


class BridgeError(Exception):
    """Kafka will never take the records: nothing more is acknowledged, and the process ends."""


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
    arrived_at: float
    """Unix seconds."""
    refusal: str | None = None
    done: bool = False


class Bridge:
    """Carries messages from connections to the MQTT broker to a started producer."""

    def __init__(self, routes: Routes, producer: AIOKafkaProducer, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives wall time in Unix seconds."""
        self.counts = Counts()
        self.connected = False
        """Subscribed at the MQTT broker."""
        self._routes, self._producer, self._clock = routes, producer, clock
        self._arrived: asyncio.Queue[_Message] = asyncio.Queue()
        self._under_way: deque[_Message] = deque()
        self._bytes = 0
        self._accepting = True
        self._overflow, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._failure: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()

    def status(self) -> dict[str, int]:
        """The counts, and how many messages are under way."""
        return {**asdict(self.counts), "under_way": len(self._under_way)}

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        counts, oldest = self.counts, self._under_way[0].arrived_at if self._under_way else None
        outcomes = ("carried", "dead", "retained", "unmatched")
        return [
            *(Sample("weir_bridge_messages_total", getattr(counts, outcome), (outcome,)) for outcome in outcomes),
            Sample("weir_bridge_overflows_total", counts.overflows),
            Sample("weir_bridge_under_way", len(self._under_way)),
            Sample("weir_bridge_oldest_seconds", 0.0 if oldest is None else max(0.0, self._clock() - oldest)),
            Sample("weir_bridge_connected", self.connected),
        ]

    def check(self) -> str | None:
        """Why nothing is carried."""
        return None if self.connected else "not connected to the MQTT broker, or left it because Kafka is behind"

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
            self.connected = True
            try:
                await first_of(until_lost(client), self._overflow.wait())
            finally:
                self.connected = False
        self.counts.overflows += 1
        log.error("Kafka is behind: left the MQTT broker, which keeps the messages", under_way=len(self._under_way))

    async def forward(self) -> NoReturn:
        """Send what arrives.  Raises ``BridgeError`` or a ``KafkaError`` when Kafka will not take it."""
        while True:
            message = await self._arrived.get()
            now_ms = int(self._clock() * 1000)
            if records := self._records(message, now_ms):
                sent = [await self._send(record) for record in records]
                stored = sent[0] if len(sent) == 1 else asyncio.gather(*sent)
                stored.add_done_callback(partial(self._stored, message, records[0]))
            else:
                self._ignore(message)

    async def failed(self) -> NoReturn:
        """Wait for a record that Kafka refuses for good.  Raises ``BridgeError``."""
        await self._failure

    async def drain(self) -> None:
        """Take nothing more, and wait until what was taken is finished."""
        self._accepting = False
        await self._idle.wait()

    # ---- one message

    def _records(self, message: _Message, now_ms: int) -> list[KafkaRecord]:
        refusal = message.refusal
        if refusal is None:
            try:
                return self._routes.records(message.topic, message.payload, now_ms)
            except Exception as error:  # a message that trips a bug of ours must not stop the others
                log.exception("a message raised", mqtt_topic=message.topic)
                refusal = f"{type(error).__name__}: {error}"
        return [self._routes.dead_letter(message.topic, message.payload, refusal, now_ms)]

    def _deliver(self, message: paho.MQTTMessage, acknowledge: Acknowledge) -> None:
        """Called for each delivery; what is not acknowledged comes again on the next connection.

        After the first message that was left none is taken any more, so that those of a key stay in order.
        """
        if not self._accepting or self._overflow.is_set():
            return
        if len(self._under_way) >= MAX_UNDER_WAY or self._bytes >= MAX_BYTES_UNDER_WAY:
            self._overflow.set()
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:  # raising here would end the connection, and the next one, for ever
            topic = ""  # no filter matches it
        arrived = _Message(topic, bytes(message.payload), acknowledge, self._clock())
        self._idle.clear()
        self._under_way.append(arrived)
        self._bytes += len(arrived.payload)
        if message.retain:
            self.counts.retained += 1
            self._finish(arrived)
        else:
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
        if stored.cancelled():
            return  # the process ends
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

    def _ignore(self, message: _Message) -> None:
        self.counts.unmatched += 1
        if self.counts.unmatched == 1:
            log.warning("ignoring what no filter in topics.yaml asks for", mqtt_topic=message.topic)
        self._finish(message)

    def _finish(self, message: _Message) -> None:
        """Acknowledge in the order of arrival (MQTT 3.1.1, section 4.6), whatever the order in Kafka."""
        message.done = True
        while self._under_way and self._under_way[0].done:
            first = self._under_way.popleft()
            self._bytes -= len(first.payload)
            first.acknowledge()
        if not self._under_way:
            self._idle.set()


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Run all until one ends, then cancel the others; raises what the ended one raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancel(tasks)
