"""A Kafka producer that survives everything, and tells of each record whether Kafka has taken it.

It never sends a record twice by itself: what ended in an error stays unknown.  The client below is idempotent; once it
cannot go on (its sequence is broken after a long outage) another takes its place.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.kafka import client_options
from streams.records import Headers
from streams.settings import Settings

MAX_PENDING = 500
CLOSE_S = 5.0
AGAIN_S = 0.5
FLUSH_S = 60.0
Taken = Callable[[int, int], None]
"""Called with partition and offset."""


class Sender:
    """``unknown`` is called for each record that ended in an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._pending: set[asyncio.Future[Any]] = set()
        self._room = asyncio.Semaphore(MAX_PENDING)
        self._broken = False
        self._starting = asyncio.Lock()

    async def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        *,
        taken: Taken,
        unknown: Callable[[], None],
    ) -> None:
        """Hand a record over; one of the two is called once its fate is known."""
        await self._room.acquire()
        try:
            producer = await self._working()
            sent = await producer.send(topic, value, key=key, partition=partition, headers=list(headers))
        except KafkaError:
            self._broken = True
            self._room.release()
            unknown()
            return
        except BaseException:
            self._room.release()
            raise
        self._pending.add(sent)
        sent.add_done_callback(partial(self._done, taken, unknown))

    async def flush(self) -> None:
        """Wait for what is under way, as long as it may take after an outage."""
        if self._pending:
            _, late = await asyncio.wait(self._pending, timeout=FLUSH_S)
            if late:
                raise TimeoutError(f"{len(late)} records have neither been taken nor refused within {FLUSH_S:.0f} s")

    async def close(self) -> None:
        await self._leave()

    def _done(self, taken: Taken, unknown: Callable[[], None], sent: "asyncio.Future[Any]") -> None:
        self._pending.discard(sent)
        self._room.release()
        if sent.cancelled() or sent.exception() is not None:
            self._broken = True
            unknown()
            return
        placed = sent.result()
        if placed.offset < 0:  # a retry that the broker had seen before: it does not say where it is
            unknown()
        else:
            taken(placed.partition, placed.offset)

    async def _working(self) -> AIOKafkaProducer:
        async with self._starting:  # one for all who send at the same time
            if self._broken:
                self._broken = False
                await self._leave()
            while self._producer is None:
                self._producer = await self._started()
            return self._producer

    async def _started(self) -> AIOKafkaProducer | None:
        producer = AIOKafkaProducer(**client_options(self._settings), acks="all", enable_idempotence=True)
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            await asyncio.sleep(AGAIN_S)
            return None
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _leave(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(CLOSE_S):
                    await producer.stop()
