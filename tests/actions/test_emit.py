"""``emit`` on the fake and through a real Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from streams.actions import ActionError, ActionRequest
from streams.actions.emit import Emit
from streams.actions.emitter import MAX_EVENT_BYTES, Emitted, Emitter, FakeEmitter, KafkaEmitter
from streams.kafka import client_options
from streams.settings import Settings
from tests.roles import reading
from tests.site import make_site

TOPIC = "heatpump-telemetry"


class World(NamedTuple):
    """An emitter, and what was written to ``topic`` by the time that there are so many."""

    emitter: Emitter
    topic: str
    own: str
    """A topic of Weir's."""
    written: Callable[[int], Awaitable[list[Emitted]]]


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeEmitter([TOPIC])

        async def kept(_: int) -> list[Emitted]:
            return fake.events

        yield World(fake, TOPIC, "process-commands", kept)
        return
    settings: Settings = request.getfixturevalue("settings")
    own, topics = await make_site(settings, tmp_path)
    topic = next(iter(topics.telemetry.values()))
    emitter = KafkaEmitter(client_options(own), frozenset(topics.telemetry))
    await emitter.start()
    async with reading(own, topic.name, topic.partitions) as reader:

        async def written(number: int) -> list[Emitted]:
            return [
                Emitted(one.topic, one.key.decode(), one.value, dict(one.headers)["idempotency-key"].decode())
                for one in await reader.count(number)
            ]

        yield World(emitter, topic.name, topics.commands.name, written)
    await emitter.stop()


async def emit(emitter: Emitter, **config: Any) -> dict[str, Any]:
    return await Emit(emitter).perform(ActionRequest("emit", config, "i-1", "a", "d", "i-1:a:1", 20.0))


async def failed(emitter: Emitter, **config: Any) -> tuple[str, bool, str]:
    with pytest.raises(ActionError) as error:
        await emit(emitter, **config)
    return error.value.error_type, error.value.retryable, str(error.value)


async def test_an_event_is_written_with_its_key_and_its_idempotency_key(world: World) -> None:
    event = {"tags": {"device_id": "pump-3"}, "fields": {"ü": [1, None]}}
    first = await emit(world.emitter, topic=world.topic, event=event, key="pump-3")
    second = await emit(world.emitter, topic=world.topic, event=[1], key="pump-3")
    await emit(world.emitter, topic=world.topic, event="x")
    assert (first["topic"], second["partition"]) == (world.topic, first["partition"])
    assert second["offset"] == first["offset"] + 1
    found = {orjson.dumps(orjson.loads(one.value)): one for one in await world.written(3)}
    assert {value: one.key for value, one in found.items()} == {
        orjson.dumps(event): "pump-3",
        b"[1]": "pump-3",
        b'"x"': "i-1",
    }
    assert {one.idempotency_key for one in found.values()} == {"i-1:a:1"}


async def test_topics_that_are_not_the_plants_are_refused(world: World) -> None:
    for topic in (world.own, "elsewhere"):
        kind, retryable, said = await failed(world.emitter, topic=topic, event={})
        assert (kind, retryable) == ("invalid_config", False)
        assert f"got {topic!r}. Add it under 'telemetry:'" in said


@pytest.mark.parametrize(
    "config",
    [{"event": {}, "topic": ""}, {"event": {}, "topic": 5}, {"event": {"n": 2**70}}, {"event": "x" * MAX_EVENT_BYTES}],
)
async def test_what_cannot_be_an_event_is_refused(config: dict[str, Any]) -> None:
    assert (await failed(FakeEmitter([TOPIC]), **{"topic": TOPIC, **config}))[0] == "invalid_config"


async def test_without_kafka_the_action_may_be_tried_later() -> None:
    away = FakeEmitter([TOPIC])
    away.available = False
    assert (await failed(away, topic=TOPIC, event={}))[:2] == ("unavailable", True)


async def test_a_topic_that_is_declared_but_not_made_is_waited_for(settings: Settings) -> None:
    emitter = KafkaEmitter(client_options(settings), ["nowhere-yet"])
    await emitter.start()
    request = ActionRequest("emit", {"topic": "nowhere-yet", "event": {}}, "i", "a", "d", "i:a:1", 1.0)
    with pytest.raises(ActionError) as error:
        await Emit(emitter).perform(request)
    await emitter.stop()
    assert (error.value.error_type, error.value.retryable) == ("unavailable", True)
