"""A whole plant on the embedded stack: services, topics, schema and roles, in this order."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import SecretStr

from streams.settings import Settings
from streams.topics import Applied, apply_topics, load_topics
from weir.database import bring_up_to_date
from weir.home import load_workers, save
from weir.keys.text import new_key
from weir.roles import unneeded, worker_specs
from weir.stack.progress import Progress
from weir.stack.stack import Stack

EMBEDDED_PARTITIONS = 4
EMBEDDED_WEB_PORTS = "18100-18163"
"""Each process takes one, for its ``/health`` and ``/metrics``."""


@dataclass(frozen=True)
class Plant:
    """A plant that runs: its settings, and how its topics were found."""

    settings: Settings
    topics: Applied


def bring_up(
    stack: Stack,
    wanted: Settings,
    step: Progress,
    *,
    roles: bool = True,
    workers: Mapping[str, int] = MappingProxyType({}),
) -> Plant:
    """Start what does not run and wait until it is healthy; ``wanted`` are the settings that ``stack`` was made with.

    ``workers`` of each role, which the home remembers: of a role that is not named as many as before, else one.  Fewer
    than before stops the others.  Without ``roles`` those that run go on.

    Raises ``StackError``, ``TopicsError``, ``MigrationError``.
    """
    urls = stack.up(step)
    settings = wanted.model_copy(
        update={
            "brokers": urls.brokers,
            "database_url": urls.database_url,
            "mqtt_url": urls.mqtt_url,
            "api_port": wanted.api_port if "api_port" in wanted.model_fields_set else stack.ports.api,
            "api_admin_key": wanted.api_admin_key or SecretStr(new_key().text),
            "web_port": wanted.web_port or EMBEDDED_WEB_PORTS,
            "partitions": wanted.partitions or EMBEDDED_PARTITIONS,
            "topics_file": wanted.topics_file.absolute(),
            "definitions_path": wanted.definitions_path.absolute(),
        }
    )
    counts = {**load_workers(stack.home), **workers}
    save(stack.home, settings, stack.ports, durable=stack.durable, workers=counts)
    step("applying the topics", None)
    topics = load_topics(settings)
    applied = asyncio.run(apply_topics(settings, topics))
    step("bringing the schema up to date", None)
    asyncio.run(bring_up_to_date(settings))
    if roles:
        stack.supervise(worker_specs(settings, stack.home, {**unneeded(topics), **counts}), step)
    return Plant(settings, applied)
