"""aiokafka's producer with transactions, of one process: as the relay of the station's outbox uses it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiokafka.errors import ProducerFenced, RequestTimedOutError

from streams.records import Headers
from streams.transport.port import FencedError, Message, TopicPartition
from tests.simulation.broker import Broker

Sent = tuple[Message, "asyncio.Future[None]"]


class TransactionalProducer:
    """``AIOKafkaProducer``."""

    def __init__(self, broker: Broker, *, transactional_id: str, **_options: Any) -> None:
        self._broker, self._as = broker, (transactional_id, -1)
        self._batches: dict[TopicPartition, list[Sent]] = {}
        self._arrives: dict[TopicPartition, float] = {}
        self._under_way: set[asyncio.Future[int]] = set()
        self._fenced = False

    async def start(self) -> None:
        """InitProducerId: fences whoever had the id, and ends what they have left open."""
        name, broker = self._as[0], self._broker
        self._as = name, await broker.network.ask(lambda: broker.opened(name))

    async def stop(self) -> None:
        """Disconnect."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Aborted when what is within raises; a producer that is fenced can do nothing any more."""
        await self._broker.free(self._as[0])
        try:
            yield
        except BaseException:
            if not self._fenced:
                await self._end(committed=False)
            raise
        lost = self._broker.loses()
        if lost != "request":
            await self._end(committed=True)
        if lost:
            raise RequestTimedOutError(f"the {lost} was lost")

    async def send(
        self, topic: str, value: bytes | None, key: bytes | None, *, partition: int, headers: Headers
    ) -> "asyncio.Future[None]":
        """On its way in a moment, with what else goes to that partition; the future is the acknowledgement."""
        loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[None] = loop.create_future()
        if not self._batches:
            loop.call_soon(self._leave)
        message = key, value, tuple(headers)
        self._batches.setdefault(TopicPartition(topic, partition), []).append((message, acknowledged))
        return acknowledged

    async def send_offsets_to_transaction(self, offsets: Mapping[Any, int], group: str) -> None:
        """Make them part of the transaction."""
        found = {TopicPartition(*tp): offset for tp, offset in offsets.items()}
        await self._ask(lambda: self._broker.add_offsets(self._as, group, found))

    def _leave(self) -> None:
        batches, self._batches = self._batches, {}
        broker, network = self._broker, self._broker.network
        for tp, batch in batches.items():
            # In order within a partition.
            arrives = max(asyncio.get_running_loop().time() + network.delay(), self._arrives.get(tp, 0.0))
            self._arrives[tp] = arrives
            work = partial(broker.produce, self._as, "", tp, [message for message, _ in batch])
            answer = network.request(work, not_before=arrives, transactional=True)
            self._under_way.add(answer)
            answer.add_done_callback(partial(self._answered, batch))

    def _answered(self, batch: list[Sent], answer: "asyncio.Future[int]") -> None:
        self._under_way.discard(answer)
        self._fenced |= answer.exception() is not None
        for _, acknowledged in batch:
            if acknowledged.done():
                continue
            if answer.exception() is None:
                acknowledged.set_result(None)
            else:
                acknowledged.set_exception(ProducerFenced())
                acknowledged.exception()  # whoever waits for it hears of it; it may be that nobody does

    async def _end(self, *, committed: bool) -> None:
        self._leave()
        while self._under_way:  # the end does not overtake what it is the end of
            await asyncio.wait(self._under_way)
        await self._ask(lambda: self._broker.end_transaction(self._as, committed=committed))

    async def _ask(self, work: Callable[[], None]) -> None:
        try:
            await self._broker.network.ask(work, transactional=True)
        except FencedError:
            self._fenced = True
            raise ProducerFenced from None
