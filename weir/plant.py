"""A whole plant on the embedded stack: services, topics, schema and roles, in this order."""

import asyncio
from dataclasses import dataclass

from streams.settings import Settings
from streams.topics import Applied, apply_topics, load_topics
from weir.database import bring_up_to_date
from weir.home import save
from weir.roles import role_specs
from weir.stack.progress import Progress
from weir.stack.stack import Stack

EMBEDDED_PARTITIONS = 4


@dataclass(frozen=True)
class Plant:
    """A plant that runs: its settings, and how its topics were found."""

    settings: Settings
    topics: Applied


def bring_up(stack: Stack, wanted: Settings, step: Progress, *, roles: bool = True) -> Plant:
    """Start what does not run and wait until it is healthy; ``wanted`` are the settings that ``stack`` was made with.

    Raises ``StackError``, ``TopicsError``, ``MigrationError``.
    """
    urls = stack.up(step)
    settings = wanted.model_copy(
        update={
            "brokers": urls.brokers,
            "database_url": urls.database_url,
            "mqtt_url": urls.mqtt_url,
            "partitions": wanted.partitions or EMBEDDED_PARTITIONS,
            "topics_file": wanted.topics_file.absolute(),
            "definitions_path": wanted.definitions_path.absolute(),
        }
    )
    save(stack.home, settings, stack.ports, durable=stack.durable)
    step("applying the topics", None)
    applied = asyncio.run(apply_topics(settings, load_topics(settings)))
    step("bringing the schema up to date", None)
    asyncio.run(bring_up_to_date(settings))
    if roles:
        stack.start_processes(role_specs(settings, stack.home), step)
    return Plant(settings, applied)
