"""What is deployed, as the topic has it: no database is needed, and nothing lags behind."""

from streams.deployed import Activation, Deployed, DeployedVersion, decode_deployed, fold_deployed
from streams.log import opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition


async def read_deployed(settings: Settings, topics: Topics) -> dict[str, Deployed]:
    """Every definition by its id.  Raises ``KafkaError``, ``LogError``, ``UpgradeError``."""
    tp = TopicPartition(topics.definitions.name, 0)
    records: list[DeployedVersion | Activation] = []
    async with opened(settings) as log:
        async for chunk in log.read(await log.bounds([tp])):
            records += [decode_deployed(record.value) for record in chunk.records if record.value is not None]
    return fold_deployed(records)
