"""Records on their way to Kafka, at least once: what gathers while one record batch is in flight makes the next.

A record alone goes at once.  Under load the batches grow by themselves, and their records share what a batch costs.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import AIOKafkaProducer

from streams.cancelling import cancel
from streams.transport.kafka_writer import record_batches
from streams.transport.port import Message, TopicPartition

BATCH_BYTES = 256 * 1024
CLOSE_S = 2.0

Item = TypeVar("Item")
log = structlog.get_logger("weir.outbox")


class Outbox(Generic[Item]):
    """Sends records in the order of ``put`` to each partition, and tells what became of them."""

    def __init__(
        self,
        client: dict[str, Any],
        sent: Callable[[Sequence[Item]], None],
        failed: Callable[[Item, Exception], None],
    ) -> None:
        """``client`` is ``client_options(settings)``.

        ``sent(items)``: Kafka has acknowledged the records of these.  ``failed(item, error)``: it did not, after all
        retries; ``item`` is the first of those that are not sent.
        """
        self._client, self._sent, self._failed = client, sent, failed
        self._producer: AIOKafkaProducer | None = None
        self._waiting: dict[TopicPartition, list[tuple[Message, Item]]] = {}
        self._sending: dict[TopicPartition, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, **self._client
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect; what Kafka has not acknowledged by then may be sent or not."""
        await cancel(self._sending.values())
        if self._producer is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._producer.stop()
            except TimeoutError:
                log.warning("records were left unsent")

    def put(self, to: TopicPartition, message: Message, item: Item) -> None:
        """Send ``message``; ``item`` stands for it in what is told."""
        self._waiting.setdefault(to, []).append((message, item))
        if to not in self._sending:
            self._sending[to] = asyncio.create_task(self._send_all(to), name=f"outbox {to.topic}[{to.partition}]")

    async def _send_all(self, to: TopicPartition) -> None:
        try:
            while waiting := self._waiting.pop(to, None):
                await self._send(to, waiting)
        finally:
            del self._sending[to]

    async def _send(self, to: TopicPartition, waiting: Sequence[tuple[Message, Item]]) -> None:
        producer = self._producer
        assert producer is not None
        try:
            batches = list(record_batches(producer, [message for message, _ in waiting]))
            futures = [await producer.send_batch(batch, to.topic, partition=to.partition) for batch in batches]
            await asyncio.gather(*futures)
        except Exception as error:  # noqa: BLE001  whatever it is, these records are not known to be sent
            self._failed(waiting[0][1], error)
        else:
            self._sent([item for _, item in waiting])
