"""Both implementations of the port as the contract test sees them: one interface to make topics, write and read."""

import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.transport.kafka_reader import KafkaEnds, KafkaOffsets
from streams.transport.kafka_writer import KafkaWriter
from streams.transport.lane_reader import LaneReader
from streams.transport.memory import MemoryEnds, MemoryOffsets, MemoryReader, MemoryWriter
from streams.transport.memory_broker import MemoryBroker
from streams.transport.options import TransportOptions
from tests.transport import harness


class KafkaPort:
    """The real broker."""

    def __init__(self, brokers: str) -> None:
        self.brokers, self.client = brokers, {"bootstrap_servers": brokers}
        self.group = f"group-{uuid.uuid4().hex[:12]}"
        self._closing = []

    async def create_topic(self, partitions=harness.PARTITIONS):
        name = f"contract-{uuid.uuid4().hex[:12]}"
        await harness.create_topics(self.brokers, name, partitions=partitions)
        return name

    async def append(self, tp, messages):
        async with AIOKafkaProducer(**self.client) as producer:
            for key, value, headers in messages:
                await producer.send_and_wait(tp.topic, value, key, tp.partition, headers=list(headers))

    async def delete_records(self, tp, before):
        await harness.delete_records(self.brokers, *tp, before)

    async def writer(self, transactional_id, **options):
        writer = await KafkaWriter.open(transactional_id, self.group, TransportOptions(client=self.client, **options))
        self._closing.append(writer.close)
        return writer

    async def leave_open(self, writer, outputs):
        """Write into a transaction of ``writer`` and do not end it, as a process does that is killed."""
        producer = writer._producer
        await producer.begin_transaction()
        for tp, messages in outputs.items():
            for key, value, _ in messages:
                await (await producer.send(tp.topic, value, key, tp.partition))

    async def time_is_up(self, offsets, tp, end):
        """Wait for the broker to look for transactions that are open for too long: every ten seconds."""

        async def ended():
            return (await offsets.bounds([tp]))[tp][1] > end

        await harness.until_async(ended, 60)

    async def _consumer(self, **options):
        consumer = AIOKafkaConsumer(
            **self.client, isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=50, **options
        )
        await consumer.start()
        self._closing.append(consumer.stop)
        return consumer

    async def reader(self, tps):
        reader = await LaneReader.open(TransportOptions(client=self.client))
        self._closing.append(reader.close)
        reader.begin(dict.fromkeys(tps, 0))
        return reader

    async def offsets(self):
        return KafkaOffsets(await self._consumer(group_id=self.group))

    async def ends(self, tps):
        ends = await KafkaEnds.open(TransportOptions(client=self.client), tps)
        self._closing.append(ends.close)
        return ends

    async def close(self):
        for close in self._closing:
            await close()


class MemoryPort:
    """The simulated broker."""

    def __init__(self) -> None:
        self.broker, self.group = MemoryBroker(), "group"

    async def create_topic(self, partitions=harness.PARTITIONS):
        name = f"contract-{uuid.uuid4().hex[:12]}"
        self.broker.create_topic(name, partitions)
        return name

    async def append(self, tp, messages):
        self.broker.append(tp, messages)

    async def delete_records(self, tp, before):
        self.broker.delete_records(tp, before)

    async def writer(self, transactional_id, **_options):
        return MemoryWriter(self.broker, transactional_id, self.group)

    async def leave_open(self, writer, outputs):
        writer.begin(outputs)

    async def time_is_up(self, offsets, tp, end):
        self.broker.expire(0)

    async def reader(self, tps):
        reader = MemoryReader(self.broker)
        reader.begin(dict.fromkeys(tps, 0))
        return reader

    async def offsets(self):
        return MemoryOffsets(self.broker, self.group)

    async def ends(self, tps):
        return MemoryEnds(self.broker)

    async def close(self):
        """Nothing is open."""
