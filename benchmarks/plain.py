"""What the guarantees are measured against: the same step at least once, over aiokafka as it is.

A consumer in a group, states in a dict, events and states written as record batches (records sent one by one would cost
several times as much), then the offsets committed: no transaction, no fencing, no recovery, no contiguity, no watchdog.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.step import step
from streams.transport.kafka_writer import record_batches
from streams.transport.port import Message

STATS_S = 0.25


class Plain:
    """The worker; counts as the transport does."""

    def __init__(self, app: str, brokers: str, max_records: int, batch_bytes: int) -> None:
        self._app, self._max_records = app, max_records
        self._consumer = AIOKafkaConsumer(
            f"{app}-in",
            bootstrap_servers=brokers,
            group_id=app,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        self._producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", max_batch_size=batch_bytes)
        self._states: dict[int, dict[bytes, bytes]] = {}
        self.records = self.batches = 0

    async def run(self) -> None:
        """Work until cancelled."""
        await self._consumer.start()
        await self._producer.start()
        try:
            while True:
                fetched = await self._consumer.getmany(timeout_ms=50, max_records=self._max_records)
                for tp, records in fetched.items():
                    await self._batch(tp, records)
                    self.records += len(records)
                    self.batches += 1
        finally:
            await self._consumer.stop()
            await self._producer.stop()

    async def _batch(self, tp: TopicPartition, records: Sequence[Any]) -> None:
        states = self._states.setdefault(tp.partition, {})
        writes: dict[bytes, bytes] = {}
        events: list[Message] = []
        for record in records:
            writes[record.key] = step(
                record, lambda key: writes.get(key) or states.get(key), lambda *event: events.append((*event, ()))
            )
        changes: list[Message] = [(key, value, ()) for key, value in writes.items()]
        futures = [
            await self._producer.send_batch(batch, topic, partition=tp.partition)
            for topic, messages in ((f"{self._app}-out", events), (f"{self._app}-state-changelog", changes))
            for batch in record_batches(self._producer, messages)
        ]
        await asyncio.gather(*futures)
        states.update(writes)
        await self._consumer.commit({tp: records[-1].offset + 1})


async def work(config: dict[str, Any]) -> None:
    """The worker process; prints what the other one prints."""
    plain = Plain(config["app"], config["brokers"], config["max_records"], config["batch_bytes"])
    working = asyncio.create_task(plain.run())
    while not working.done():
        await asyncio.sleep(STATS_S)
        print("STATS", time.time(), plain.records, plain.batches, plain.batches, time.process_time(), flush=True)
    working.result()
