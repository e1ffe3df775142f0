"""The relay: ``station_outbox`` ─► Kafka, each record once, in order.

    number what is new (seq) ─► one Kafka transaction: the records, and the last seq as the group's offset ─► delete

What Kafka has is what it says of itself: the offset of the relay's group is the seq of the last record that was sent.
So a relay that dies anywhere sends nothing twice and loses nothing.  Numbers are given by the relay, since identity
columns are drawn before a transaction commits, and so may become visible in another order.

There is one relay at a time: it holds a lock of the database while its connection lives, and a former one that only
believes so is fenced by Kafka.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.errors import KafkaError

from streams.cancelling import cancel
from streams.core.ids import partition_for
from streams.database import CONNECT_TIMEOUT_S, is_transient
from streams.refusals import place_of
from streams.station.outbox import CHANNEL, Outgoing, outgoing
from streams.transport.fatal import Fatal, exit_process

LOCK = 0x5745_4952_0004
"""Any number that no other program uses: "WEIR", 4."""
MAX_RECORDS = 500
LOOK_S = 1.0
"""How often the relay looks by itself; the database tells it of what is new."""
STAND_BY_S = 2.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
TRANSACTION_TIMEOUT_MS = 20_000
MAX_REQUEST_BYTES = 10 * 1024 * 1024

log = structlog.get_logger("weir.station.relay")

_TRY_LOCK = "SELECT pg_try_advisory_lock($1)"
_CATCH_UP = "SELECT setval('station_outbox_seq', greatest($1, nextval('station_outbox_seq')))"
_NUMBER = """
    WITH new AS (SELECT id FROM station_outbox WHERE seq IS NULL ORDER BY id LIMIT $1),
         numbered AS (SELECT id, nextval('station_outbox_seq') AS seq FROM (SELECT id FROM new ORDER BY id) AS ordered)
    UPDATE station_outbox SET seq = numbered.seq FROM numbered WHERE station_outbox.id = numbered.id
"""
_NEXT = """
    SELECT seq, topic, partition, key, value, headers FROM station_outbox WHERE seq > $1 ORDER BY seq LIMIT $2
"""
_DELETE = "DELETE FROM station_outbox WHERE seq <= $1"
_SESSION = {"application_name": "weir-station-relay", "idle_session_timeout": "30000", "timezone": "UTC"}
"""A relay that was stopped (a suspended machine) loses its lock after half a minute."""


_TROUBLE = (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Relay:
    """Runs as a task of the role ``station``."""

    def __init__(
        self,
        url: str,
        client: Mapping[str, Any],
        group: str,
        partitions: Mapping[str, int],
        fatal: Fatal = exit_process,
    ) -> None:
        """``client`` is ``client_options(settings)``; ``partitions`` are those of the topics that records go by key to.

        ``group`` names the group that has the offset, and the transactions.
        """
        self._url, self._client, self._group, self._partitions = url, dict(client), group, partitions
        self._fatal = fatal
        self._offset_of = AioTopicPartition(next(iter(partitions)), 0)
        """The partition whose offset in the group is the last seq; nobody reads it by that group."""
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.sent = 0
        """Records since the start of the process."""

    async def start(self) -> None:
        """Begin to relay, or to stand by."""
        self._task = asyncio.create_task(self._run(), name="station relay")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """What is not sent by then is sent by whoever comes next."""
        if self._task is not None:
            await cancel([self._task])

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            self._fatal("the relay of the outbox has ended", task.exception())

    async def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                if await self._lead():
                    wait_s = FIRST_WAIT_S
            except _TROUBLE as error:
                if isinstance(error, asyncpg.PostgresError) and not is_transient(error):
                    wait_s = LONGEST_WAIT_S
                log.warning(
                    "nothing is relayed now", database=place_of(self._url), error=f"{type(error).__name__}: {error}",
                    again_in_s=wait_s,
                )  # fmt: skip
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _lead(self) -> bool:
        """Relay for as long as nothing goes wrong; false, after a while, when another one does."""
        async with AsyncExitStack() as stack:
            connection = await asyncpg.connect(
                self._url[:], timeout=CONNECT_TIMEOUT_S, command_timeout=60, server_settings=_SESSION
            )
            stack.callback(connection.terminate)
            if not await connection.fetchval(_TRY_LOCK, LOCK):
                await asyncio.sleep(STAND_BY_S)
                return False
            await connection.add_listener(CHANNEL, self._tell)
            producer = self._producer()
            stack.push_async_callback(producer.stop)
            await producer.start()  # ends what a former relay has left open
            sent = await self._sent()
            await connection.execute(_CATCH_UP, sent)
            await connection.execute(_DELETE, sent)
            log.info("relaying", sent=sent)
            while True:
                self._told.clear()
                last = await self._round(connection, producer, sent)
                if last == sent:
                    await self._more()
                sent = last

    def _producer(self) -> AIOKafkaProducer:
        """Every relay's has the same transactional id: when one starts, a former one can send nothing any more."""
        return AIOKafkaProducer(
            transactional_id=self._group,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_request_size=MAX_REQUEST_BYTES,
            **self._client,
        )

    async def _more(self) -> None:
        """Until the database tells that there is something, or for a while."""
        try:
            async with asyncio.timeout(LOOK_S):
                await self._told.wait()
        except TimeoutError:
            return

    def _tell(self, *_: object) -> None:
        self._told.set()

    async def _sent(self) -> int:
        """The seq of the last record that Kafka has, 0 for none."""
        consumer = AIOKafkaConsumer(group_id=self._group, enable_auto_commit=False, **self._client)
        try:
            await consumer.start()
            consumer.assign([self._offset_of])
            return int(await consumer.committed(self._offset_of) or 0)
        finally:
            await consumer.stop()

    async def _round(self, connection: asyncpg.Connection, producer: AIOKafkaProducer, sent: int) -> int:
        """Send what comes after ``sent``; the seq of the last."""
        await connection.execute(_NUMBER, MAX_RECORDS)
        rows = await connection.fetch(_NEXT, sent, MAX_RECORDS)
        if not rows:
            return sent
        last: int = rows[-1]["seq"]
        async with producer.transaction():
            futures = [await self._send(producer, outgoing(row)) for row in rows]
            await producer.send_offsets_to_transaction({self._offset_of: last}, self._group)
            await asyncio.gather(*futures)
        await connection.execute(_DELETE, last)
        self.sent += len(rows)
        return last

    async def _send(self, producer: AIOKafkaProducer, record: Outgoing) -> Any:
        partition = record.partition
        if partition is None:
            partition = partition_for((record.key or b"").decode(), self._partitions[record.topic])
        return await producer.send(
            record.topic, record.value, record.key, partition=partition, headers=list(record.headers)
        )
