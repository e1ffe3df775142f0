"""A processor that takes a partition over knows the definitions that its former owner knew."""

from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest
from aiokafka.errors import KafkaConnectionError

from streams import definitions
from streams.agents.processor import Processor
from streams.definitions import DefinitionStore
from streams.settings import Settings
from streams.topics import load_topics
from streams.transport.contents import TableContents


async def test_a_partition_is_taken_over_only_when_all_definitions_are_known() -> None:
    settings = Settings(_env_file=None, partitions=4)
    processor = Processor(settings, load_topics(settings))
    processor.table = SimpleNamespace(contents=TableContents())
    known: list[bool] = []
    processor.store.catch_up = AsyncMock(side_effect=lambda: known.append(0 not in processor.partitions))
    await processor.assigned(0)
    assert known == [True]
    assert 0 in processor.partitions


async def test_a_store_waits_for_a_broker_that_does_not_tell_where_the_definitions_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(_env_file=None, partitions=4)
    store = DefinitionStore(settings, load_topics(settings))
    assert store.standstill() is None
    said: list[str | None] = []

    async def bounds(tps: list[object]) -> dict[object, tuple[int, int]]:
        said.append(store.standstill())
        if len(said) < 3:
            raise KafkaConnectionError
        return dict.fromkeys(tps, (0, 0))

    store._offsets = SimpleNamespace(bounds=bounds)
    monkeypatch.setattr(definitions, "RETRY_S", 0.01)
    await store.catch_up()
    assert said == ["somebody waits for definitions, which are read up to 0"] * 3
    assert store.standstill() is None
