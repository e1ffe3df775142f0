"""Has the broker what a replay reads and writes?  Kafka's clients would wait for a topic that is not there."""

from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from weir.replay.errors import ReplayError


async def check_topics(settings: Settings, topics: Topics) -> None:
    """Raises ``ReplayError`` for an engine's topic that is missing, or has another number of partitions."""
    wanted = [topics.commands, topics.events, topics.changelog, topics.rejections, topics.dead_letters]
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        described = await admin.describe_topics([topic.name for topic in wanted])
    finally:
        await admin.close()
    counts = {one["topic"]: len(one["partitions"]) for one in described if one["error_code"] == 0}
    for topic in wanted:
        count = counts.get(topic.name, 0)
        if not count:
            raise ReplayError(
                f"Expected topic {topic.name}, but the broker has none of that name",
                f"`weir topics apply` makes what is missing. Restore {topics.events.name}, though: it is the truth.",
            )
        if count != topic.partitions:
            raise ReplayError(
                f"Expected {topic.name} to have {topic.partitions} partitions, but it has {count}",
                "The number is fixed for the life of a cluster: set WEIR_PARTITIONS, or `partitions` in topics.yaml, "
                "to what it is.",
            )
