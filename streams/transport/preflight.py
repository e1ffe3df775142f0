"""Before the app starts: is the broker there, and has it the topics that the app reads and keeps its tables in?

Faust waits without a word for a topic that does not exist, and a changelog with another number of partitions than its
input would put state where no lane looks.
"""

import asyncio
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka import refusal
from streams.transport.fatal import logger

if TYPE_CHECKING:
    from streams.transport.app import Transport

BROKER_WAIT_S = 60.0
TOPICS_WAIT_S = 3.0
"""A broker that is just coming up may not know of all its topics yet."""
RETRY_S = 0.5
DECLARE = "declare it in redpanda/topics.yaml and run 'weir topics apply'"


async def check(tx: "Transport") -> None:
    """Wait for the broker, then compare topics.

    What does not fit ends the process with what to do, and so does a broker that is there and refuses us.
    """
    inputs = {name: source.table for name, source in tx.sources.items()}
    changelogs = {table.changelog for table in inputs.values() if table is not None}
    counts = await _settled_counts(tx, sorted(inputs.keys() | changelogs))
    for topic in sorted(inputs.keys() | changelogs):
        if not counts.get(topic):
            tx.fatal(f"Expected topic {topic}, but the broker has none of that name; {DECLARE}")
    for topic, table in inputs.items():
        if table is not None and counts[table.changelog] != counts[topic]:
            tx.fatal(
                f"Expected {table.changelog} to have as many partitions as {topic} ({counts[topic]}), but it has "
                f"{counts[table.changelog]}; the number is fixed for the life of a cluster, so make both topics anew"
            )


async def _settled_counts(tx: "Transport", topics: list[str]) -> dict[str, int]:
    """Partitions of each topic; 0 for one that does not exist, also after a while."""
    for _ in range(round(TOPICS_WAIT_S / RETRY_S)):
        counts = await _partition_counts(tx, topics)
        if all(counts.get(topic) for topic in topics):
            return counts
        await asyncio.sleep(RETRY_S)
    return await _partition_counts(tx, topics)


async def _partition_counts(tx: "Transport", topics: list[str]) -> dict[str, int]:
    """Partitions of each topic; 0 for one that does not exist.  Waits for a broker that is still starting."""
    servers = tx.options.client["bootstrap_servers"]
    error: KafkaError | None = None
    try:
        async with asyncio.timeout(BROKER_WAIT_S):
            while True:
                try:
                    return await _describe(tx, topics)
                except KafkaError as failure:
                    if (refused := await refusal(tx.options.client)) is not None:
                        tx.fatal(refused)
                    if error is None:
                        logger.warning("waiting for Kafka at %s: %r", servers, failure)
                    error = failure
                await asyncio.sleep(RETRY_S)
    except TimeoutError:
        tx.fatal(f"Expected Kafka at {servers}, but it did not answer within {BROKER_WAIT_S} s; is it up?", error)


async def _describe(tx: "Transport", topics: list[str]) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**tx.options.client)
    await admin.start()
    try:
        described = await admin.describe_topics(topics)
        return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0}
    finally:
        await admin.close()
