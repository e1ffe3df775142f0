"""No processor beside the replay: it refuses while workers are in the group, then holds every partition's
transactional id.

The ids are what counts.  Opening one fences its former owner and ends its transaction, so what is read after that is
final; a worker that starts later opens them in turn, and the replay's next transaction is refused by Kafka.  Never do
both write.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics, group_of
from streams.transport.kafka_writer import KafkaWriter, transactional_id
from streams.transport.options import TransportOptions
from streams.transport.port import FencedError, Message, OutcomeUnknownError, TopicPartition
from weir.replay.errors import ReplayError

TRANSACTION_TIMEOUT_MS = 600_000
"""A transaction may hold the whole table of a partition."""
STOP_WORKERS = (
    "Stop every `weir worker processor` and run the replay again; with embedded services: `weir down`, then "
    "`weir up --no-roles`. A worker that was killed, or has a WEIR_MEMBER_ID, leaves the group after "
    "WEIR_SESSION_TIMEOUT_S."
)


class Fence:
    """The right to write the partitions, until a worker takes it."""

    def __init__(self, writers: Mapping[int, KafkaWriter], changelog: str) -> None:
        self._writers, self._changelog = writers, changelog

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        """Commit ``changes`` to the changelog in one transaction.  Raises ``ReplayError`` when a worker has started."""
        messages: list[Message] = [(key, value, ()) for key, value in changes.items()]
        try:
            await self._writers[partition].transact({TopicPartition(self._changelog, partition): messages}, {})
        except FencedError as error:
            raise ReplayError(
                f"A worker has started meanwhile and owns partition {partition} now: it has its former table",
                STOP_WORKERS,
            ) from error
        except OutcomeUnknownError as error:
            raise ReplayError(
                f"Expected Kafka to confirm the table of partition {partition}, but got: {error}. The partition has "
                "its former table or the new one, whole",
                f"Look whether Kafka runs, and run the replay again. Has a worker started meanwhile? {STOP_WORKERS}",
            ) from error


@asynccontextmanager
async def fenced(settings: Settings, topics: Topics) -> AsyncIterator[Fence]:
    """Hold all partitions.  Raises ``ReplayError`` while workers run, and ``KafkaError``."""
    await _refuse_workers(settings)
    options = TransportOptions(client=client_options(settings), transaction_timeout_ms=TRANSACTION_TIMEOUT_MS)
    group = group_of(settings, "processor")
    writers: dict[int, KafkaWriter] = {}

    async def hold(partition: int) -> None:
        name = transactional_id(group, TopicPartition(topics.commands.name, partition))
        writers[partition] = await KafkaWriter.open(name, group, options)

    try:
        async with asyncio.TaskGroup() as tasks:
            for partition in range(topics.partitions):
                tasks.create_task(hold(partition))
        await _refuse_workers(settings)  # one that came in between has been fenced, and will be back
        yield Fence(writers, topics.changelog.name)
    finally:
        await asyncio.gather(*[writer.close() for writer in writers.values()])


async def _refuse_workers(settings: Settings) -> None:
    group = group_of(settings, "processor")
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        (answer,) = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    for code, _name, state, _type, _protocol, members, *_ in answer.groups:
        if code:
            raise for_code(code)
        if members:
            hosts = ", ".join(sorted({f"{host.removeprefix('/')}" for _id, _client, host, *_ in members}))
            raise ReplayError(
                f"Expected no processor at work, but group {group!r} ({state}) has {len(members)} on {hosts}",
                STOP_WORKERS,
            )
