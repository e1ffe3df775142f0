"""Clients of the simulated broker, of one process each: the port, and aiokafka's producer and consumer as far as roles
use them outside transactions.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.records import Headers
from streams.transport.memory import check
from streams.transport.port import Chunk, Message, OutcomeUnknownError, Outputs, TopicPartition
from tests.simulation.broker import Broker


class Reader:
    """``KafkaReader``: what was assigned and sought is read."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.positions: dict[TopicPartition, int] = {}

    def assigned(self, tps: Iterable[TopicPartition]) -> None:
        """Whatever was assigned before, these are read from the beginning until somebody seeks."""
        self.positions = dict.fromkeys(tps, 0)

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """The next of ``tp``, however long it takes."""
        log = self._broker.log(tp)
        while (sought := self.positions.get(tp)) is not None:
            position = max(sought, log.base)
            while log.stable_end <= position:
                await log.wait()
            records, end = log.read(position, max_records)
            stable_end = log.stable_end
            await self._broker.network.travel()
            self._answered(tp, stable_end)
            if self.positions.get(tp) == sought:  # else somebody has sought meanwhile
                self.positions[tp] = end
                return Chunk(tp, position, records, end, stable_end)
        await asyncio.get_running_loop().create_future()  # nothing comes of what is not read
        raise AssertionError

    async def pull(self, tps: Iterable[TopicPartition], max_records: int) -> list[Chunk]:
        """Across threads: where somebody seeks while they are on their way, chunks come all the same."""
        await self._broker.network.queue()
        await self._broker.network.travel()
        chunks = []
        for tp in tps:
            log = self._broker.log(tp)
            position = max(self.positions.get(tp, 0), log.base)
            if position < log.stable_end:
                records, self.positions[tp] = log.read(position, max_records)
                chunks.append(Chunk(tp, position, records, self.positions[tp], log.stable_end))
        await self._broker.network.travel()
        return chunks

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """Go on from ``offset``."""
        self.positions[tp] = offset

    def _answered(self, tp: TopicPartition, stable_end: int) -> None:
        """The broker has answered a fetch."""


class LaneReader(Reader):
    """``port.Reader``: it knows what the broker's last answer said, not what is there now."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self._stable: dict[TopicPartition, tuple[int, float]] = {}

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """See ``port.Reader``."""
        self.positions = dict(positions)

    def stable_end(self, tp: TopicPartition) -> int | None:
        """See ``port.Reader``."""
        return self._stable[tp][0] if tp in self._stable else None

    def answered_at(self, tp: TopicPartition) -> float | None:
        """See ``port.Reader``."""
        return self._stable[tp][1] if tp in self._stable else None

    async def close(self) -> None:
        """Nothing to close."""

    def _answered(self, tp: TopicPartition, stable_end: int) -> None:
        self._stable[tp] = stable_end, self._broker.clock()


class Offsets:
    """``port.Offsets``."""

    def __init__(self, broker: Broker, group: str = "") -> None:
        self._broker, self._group = broker, group

    async def bounds(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """See ``port.Offsets``."""
        logs = {tp: self._broker.log(tp) for tp in tps}
        return await self._broker.network.ask(lambda: {tp: (log.base, log.stable_end) for tp, log in logs.items()})

    async def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """See ``port.Offsets``."""
        group = self._broker.groups
        return await self._broker.network.ask(lambda: {tp: group.get(self._group, {}).get(tp) for tp in tps})


class Ends:
    """``port.Ends``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def end(self, tp: TopicPartition) -> int:
        """See ``port.Ends``."""
        log = self._broker.log(tp)
        return await self._broker.network.ask(lambda: log.stable_end)

    async def close(self) -> None:
        """Nothing to close."""


class Writer:
    """``port.Writer``: one request for each partition, then the end of the transaction."""

    def __init__(self, broker: Broker, group: str, transactional_id: str, epoch: int) -> None:
        self._broker, self._group, self._as = broker, group, (transactional_id, epoch)

    @classmethod
    async def open(cls, broker: Broker, group: str, transactional_id: str) -> "Writer":
        """InitProducerId."""
        await broker.network.queue()
        epoch = await broker.network.ask(lambda: broker.opened(transactional_id))
        return cls(broker, group, transactional_id, epoch)

    async def transact(self, outputs: Outputs, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See ``port.Writer``."""
        check(outputs)
        broker, network = self._broker, self._broker.network
        for tp in outputs:
            broker.log(tp)
        await broker.free(self._as[0])
        requests = [
            network.request(
                lambda tp=tp, messages=messages: broker.produce(self._as, self._group, tp, messages), transactional=True
            )
            for tp, messages in outputs.items()
        ]
        if offsets:
            await network.ask(lambda: broker.add_offsets(self._as, self._group, offsets), transactional=True)
        ends = {tp: await request for tp, request in zip(outputs, requests, strict=True)}
        lost = broker.loses()
        if lost != "request":
            await network.ask(lambda: broker.end_transaction(self._as, committed=True), transactional=True)
        if lost:
            raise OutcomeUnknownError(f"the connection was lost, and with it the {lost}")
        return ends

    async def close(self) -> None:
        """Nothing to close."""


class RecordBatch(list[Message]):
    """aiokafka's builder of a record batch; this one is never full."""

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: Headers) -> bool:  # type: ignore[override]
        super().append((key, value, headers))
        return True

    def close(self) -> None:
        """Nothing is kept open."""


class Producer:
    """``AIOKafkaProducer`` without transactions: idempotent, so in order within a partition, each record once."""

    def __init__(self, broker: Broker, **_options: Any) -> None:
        self._broker = broker
        self._leaves: dict[TopicPartition, float] = {}
        self._arrives: dict[TopicPartition, float] = {}

    async def start(self) -> None:
        """Connect."""
        await self._broker.network.travel()

    async def stop(self) -> None:
        """Disconnect."""

    def create_batch(self) -> RecordBatch:
        return RecordBatch()

    async def send_batch(self, batch: RecordBatch, topic: str, *, partition: int) -> "asyncio.Future[int]":
        """On its way when this returns; the future is the broker's acknowledgement: the first offset.

        While the broker is away, and for a moment in any case, it is in this process's memory, and lost with that.
        """
        tp, loop, network = TopicPartition(topic, partition), asyncio.get_running_loop(), self._broker.network
        acknowledged: asyncio.Future[int] = loop.create_future()
        leaves = max(loop.time() + network.delay(), self._leaves.get(tp, 0.0))
        self._leaves[tp] = leaves
        loop.call_at(leaves, self._leave, tp, batch, acknowledged)
        return acknowledged

    def _leave(self, tp: TopicPartition, batch: RecordBatch, acknowledged: "asyncio.Future[int]") -> None:
        arrives = max(asyncio.get_running_loop().time() + self._broker.network.delay(), self._arrives.get(tp, 0.0))
        self._arrives[tp] = arrives
        self._broker.network.request(lambda: self._broker.append(tp, batch), not_before=arrives, answer=acknowledged)

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int = 0,
        headers: Headers = (),
    ) -> "asyncio.Future[int]":
        """One record."""
        batch = RecordBatch()
        batch.append(key=key, value=value, timestamp=None, headers=tuple(headers))
        return await self.send_batch(batch, topic, partition=partition)


class Consumer:
    """``AIOKafkaConsumer`` that assigns itself a partition; ``reader`` and ``offsets`` are what is made of it."""

    def __init__(self, broker: Broker, *, group_id: str = "", **_options: Any) -> None:
        self.reader, self.offsets = Reader(broker), Offsets(broker, group_id)

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    def assign(self, _partitions: Sequence[Any]) -> None:
        """Nothing is fetched before it is asked for."""

    async def committed(self, partition: Any) -> int | None:
        tp = TopicPartition(*partition)
        return (await self.offsets.committed([tp]))[tp]

    def seek(self, partition: Any, offset: int) -> None:
        self.reader.positions[TopicPartition(*partition)] = offset
