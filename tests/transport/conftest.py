"""Brokers for the transport tests: the real one of the embedded stack, and the simulated one, under one interface."""

import asyncio
import os
import uuid
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition as AioTopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.transport.kafka_reader import KafkaOffsets, KafkaReader
from streams.transport.kafka_writer import KafkaWriter
from streams.transport.memory import MemoryBroker, MemoryOffsets, MemoryReader
from streams.transport.options import TransportOptions
from streams.transport.port import TopicPartition

PARTITIONS = 4


@pytest.fixture(scope="session")
def brokers(request: pytest.FixtureRequest) -> str:
    """Address of the real broker; ``WEIR_TEST_BROKERS`` names one that runs already."""
    return os.environ.get("WEIR_TEST_BROKERS") or request.getfixturevalue("stack").brokers


class KafkaHarness:
    """The real broker as the contract test sees it."""

    def __init__(self, brokers: str) -> None:
        self.client = {"bootstrap_servers": brokers}
        self.group = f"group-{uuid.uuid4().hex[:12]}"
        self._closing = []

    async def create_topic(self, partitions: int = PARTITIONS) -> str:
        name = f"contract-{uuid.uuid4().hex[:12]}"
        await create_topics(self.client["bootstrap_servers"], {name: partitions})
        return name

    async def append(self, tp, messages) -> None:
        async with AIOKafkaProducer(**self.client) as producer:
            for message in messages:
                await producer.send_and_wait(tp.topic, message.value, message.key, tp.partition, headers=list(message.headers))

    async def delete_records(self, tp, before: int) -> None:
        admin = AIOKafkaAdminClient(**self.client)
        await admin.start()
        await admin.delete_records({AioTopicPartition(*tp): RecordsToDelete(before)})
        await admin.close()

    async def writer(self, transactional_id: str) -> KafkaWriter:
        writer = await KafkaWriter.open(transactional_id, self.group, TransportOptions(client=self.client))
        self._closing.append(writer.close)
        return writer

    async def leave_open(self, writer: KafkaWriter, outputs) -> None:
        """Write into a transaction of ``writer`` and do not end it."""
        producer = writer._producer
        await producer.begin_transaction()
        for tp, messages in outputs.items():
            for message in messages:
                await (await producer.send(tp.topic, message.value, message.key, tp.partition))

    async def reader(self, tps) -> KafkaReader:
        consumer = AIOKafkaConsumer(
            **self.client, isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=50
        )
        await consumer.start()
        self._closing.append(consumer.stop)
        consumer.assign([AioTopicPartition(*tp) for tp in tps])
        reader = KafkaReader(consumer)
        for tp in tps:
            await reader.seek(tp, 0)
        return reader

    async def offsets(self) -> KafkaOffsets:
        consumer = AIOKafkaConsumer(**self.client, isolation_level="read_committed", group_id=self.group, enable_auto_commit=False)
        await consumer.start()
        self._closing.append(consumer.stop)
        return KafkaOffsets(consumer)

    async def close(self) -> None:
        for close in self._closing:
            await close()


class MemoryHarness:
    """The simulated broker as the contract test sees it."""

    def __init__(self) -> None:
        self.broker, self.group = MemoryBroker(), "group"

    async def create_topic(self, partitions: int = PARTITIONS) -> str:
        name = f"contract-{uuid.uuid4().hex[:12]}"
        self.broker.create_topic(name, partitions)
        return name

    async def append(self, tp, messages) -> None:
        self.broker.append(tp, messages)

    async def delete_records(self, tp, before: int) -> None:
        self.broker.delete_records(tp, before)

    async def writer(self, transactional_id: str):
        return self.broker.open_writer(transactional_id, self.group)

    async def leave_open(self, writer, outputs) -> None:
        writer.begin(outputs)

    async def reader(self, tps) -> MemoryReader:
        return MemoryReader(self.broker)

    async def offsets(self) -> MemoryOffsets:
        return MemoryOffsets(self.broker, self.group)

    async def close(self) -> None:
        pass


@pytest.fixture(params=["memory", "kafka"])
async def port(request: pytest.FixtureRequest):
    """Each implementation of the port in turn."""
    harness = MemoryHarness() if request.param == "memory" else KafkaHarness(request.getfixturevalue("brokers"))
    yield harness
    await harness.close()


async def create_topics(brokers: str, topics: dict[str, int], configs: dict[str, str] | None = None) -> None:
    """Make topics (name → partitions) and wait until each partition has a leader."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, count, 1, topic_configs=configs or {}) for name, count in topics.items()])
        async with asyncio.timeout(15):
            while True:
                described = await admin.describe_topics(list(topics))
                if all(t["error_code"] == 0 and len(t["partitions"]) == topics[t["topic"]] and all(p["leader"] >= 0 for p in t["partitions"]) for t in described):
                    return
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


def tp(topic: str, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic, partition)
