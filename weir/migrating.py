"""Which instances of a definition can go on with another version of it, by the processor's table as it is now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from streams.codec import decode_entity
from streams.core.migration import Mapping, Plan, plan
from streams.core.process import Process
from streams.core.state import Instance
from streams.definitions import DefinitionStore
from streams.log import opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.verify.table import read_table


class Planned(NamedTuple):
    """An instance, and what migrating it takes."""

    instance: Instance
    plan: Plan


@asynccontextmanager
async def definitions(settings: Settings, topics: Topics) -> AsyncIterator[DefinitionStore]:
    """All that is deployed."""
    store = DefinitionStore(settings, topics)
    try:
        await store.start()
        yield store
    finally:
        await store.stop()


async def plan_all(
    settings: Settings, topics: Topics, new: Process, store: DefinitionStore, mapping: Mapping
) -> list[Planned]:
    """Every instance of the definition that has not ended and is of another version than ``new``, the oldest first."""
    found: list[Planned] = []
    partitions = [TopicPartition(topics.changelog.name, number) for number in range(topics.partitions)]
    async with opened(settings) as log:
        for tp, span in (await log.bounds(partitions)).items():
            for raw in (await read_table(log, tp, span)).values():
                entity = decode_entity(raw)
                if not isinstance(entity, Instance) or entity.definition_id != new.id:
                    continue
                old = store.get(new.id, entity.definition_version)
                if old is not None and old.version != new.version:
                    found.append(Planned(entity, plan(entity, old, new, mapping)))
    return sorted(found, key=lambda one: one.instance.id)
