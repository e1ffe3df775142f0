"""The tail of the deployed definitions, on the real broker."""

import time
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from streams.codec import UpgradeError
from streams.core.parse import parse_definition
from streams.core.process import UnusableError
from streams.definitions import DefinitionStore
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics, load_topics
from tests.core.test_instances import APPROVAL, COOLING
from tests.roles import until
from tests.site import make_site


def record(text: str, version: int, v: int = 1) -> bytes:
    definition = parse_definition(text.replace("version: 1", f"version: {version}"))
    content = definition.model_dump(mode="json")
    named = {"v": v, "id": definition.id, "version": version, "name": definition.name, "hash": definition.hash}
    return msgspec.json.encode({**named, "definition": content, "deployed_at": "2026-11-28T00:00:00Z", "later": 1})


def activation(definition_id: str, active: int | None, v: int = 2, **more: object) -> bytes:
    one = {"v": v, "kind": "activation", "id": definition_id, "active": active, "changed_at": "2026-11-28T00:00:00Z"}
    return msgspec.json.encode({**one, "later": 1, **more})


async def produce(settings: Settings, topics: Topics, *values: bytes) -> None:
    producer = AIOKafkaProducer(**client_options(settings))
    await producer.start()
    for value in values:
        await producer.send_and_wait(topics.definitions.name, value, key=b"k%d" % hash(value))
    await producer.stop()


async def test_a_store_reads_what_is_there_and_follows(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    await produce(own, topics, record(COOLING, 1), record(COOLING, 2))
    store = DefinitionStore(own, topics)
    await store.start()
    try:
        newest = store.get("cooling", None)
        assert newest is not None
        assert newest.version == 2
        first = store.get("cooling", 1)
        assert first is not None
        assert first.version == 1
        assert store.get("cooling", 3) is None
        assert store.get("approval", None) is None
        generation = store.generation
        await produce(own, topics, record(COOLING, 3))
        await store.catch_up()
        assert store.get("cooling", 3) is not None
        await produce(own, topics, record(APPROVAL, 1))
        await until(lambda: store.get("approval", 1) is not None, lambda: "the tail does not follow")
        assert store.generation == generation + 2
        assert {(process.id, process.version) for process in store.active()} == {("cooling", 3), ("approval", 1)}
        assert len(store.all()) == 4
    finally:
        await store.stop()


async def test_catching_up_does_not_wait_behind_the_tail(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    store = DefinitionStore(own, topics)
    await store.start()
    try:
        began = time.monotonic()
        for _ in range(100):
            await store.catch_up()
        assert time.monotonic() - began < 25  # the tail's long poll takes half a second each
    finally:
        await store.stop()


def test_a_definition_of_a_newer_weir_stops_the_reader(settings: Settings) -> None:
    store = DefinitionStore(settings, load_topics(settings))
    with pytest.raises(UpgradeError, match="cooling:1 has format v2: upgrade"):
        store.learn(record(COOLING, 1, v=2))


async def test_a_definition_that_does_not_compile_costs_itself_and_no_role() -> None:
    """It was deployed by a Weir whose limits were others; what is not asked for is not missed."""
    settings = Settings(_env_file=None)
    store = DefinitionStore(settings, load_topics(settings))
    content = msgspec.json.decode(record(COOLING, 2))
    content["definition"]["activities"][1]["condition"] = "temperature >"
    for raw in (record(COOLING, 1), record(APPROVAL, 1), msgspec.json.encode(content)):
        store.learn(raw)
    assert store.generation == 3
    first = store.get("cooling", 1)
    assert first is not None
    assert {(one.id, one.version) for one in store.all()} == {("cooling", 1), ("approval", 1)}
    assert [one.id for one in store.active()] == ["approval"], "an older version is not what was deployed last"
    for version in (2, None):
        with pytest.raises(UnusableError, match=r"cooling version 2 was deployed, but this Weir does not compile it"):
            store.get("cooling", version)


def test_what_is_active_starts_and_everything_else_stays_known() -> None:
    settings = Settings(_env_file=None)
    store = DefinitionStore(settings, load_topics(settings))

    def active() -> dict[str, int]:
        return {process.id: process.version for process in store.active()}

    for raw in (record(COOLING, 1), record(COOLING, 2), record(COOLING, 3), record(APPROVAL, 1)):
        store.learn(raw)
    assert active() == {"cooling": 3, "approval": 1}
    store.learn(activation("cooling", 2, retired=[3]))
    assert active() == {"cooling": 2, "approval": 1}
    assert [store.inactive("cooling", version) for version in (None, 1, 2, 3)] == [False, False, False, True]
    found = store.get("cooling", None)
    assert found is not None
    assert found.version == 2
    store.learn(activation("cooling", None, off={"reason": "winter"}))
    assert active() == {"approval": 1}
    assert all(store.inactive("cooling", version) for version in (None, 1, 2, 3))
    assert store.get("cooling", 2) is not None, "what runs goes on"
    assert len(store.all()) == 4
    assert not store.inactive("approval", None)
    assert not store.inactive("nobody", None)


def test_an_activation_of_a_newer_weir_stops_the_reader(settings: Settings) -> None:
    store = DefinitionStore(settings, load_topics(settings))
    with pytest.raises(UpgradeError, match="cooling has format v3: upgrade"):
        store.learn(activation("cooling", 1, v=3))
