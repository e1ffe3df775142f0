"""`weir status`: how far the stages of a plant are behind, and what retention is about to take."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.core.commands import Signal
from streams.kafka import client_options
from streams.settings import Settings
from tests.cli.conftest import Plant
from weir.client import CommandClient

DEADLINE_S = 60.0
DAY_S = 86_400


def eventually(plant: Plant, holds: Callable[[Any], bool], code: int = 0) -> Any:
    """What ``weir status`` tells once it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        result = plant.weir("status", "--json")
        found = orjson.loads(result.stdout)
        if holds(found) and result.exit_code == code:
            return found
        assert time.monotonic() < deadline, result.output
        time.sleep(0.1)


def stage(status: Any, name: str, topic: str) -> Any:
    (found,) = [one for one in status["stages"] if (one["stage"], one["topic"]) == (name, topic)]
    return found


async def send(settings: Settings, number: int) -> None:
    async with CommandClient(settings) as client:
        for n in range(number):
            await client.send(Signal(name="go", key=f"key-{n}", payload={}))


async def write_reading(settings: Settings, topic: str, age_s: float) -> None:
    producer = AIOKafkaProducer(acks="all", **client_options(settings))
    await producer.start()
    timestamp = round((time.time() - age_s) * 1000)
    await producer.send_and_wait(topic, b'{"fields":{"t":1}}', partition=0, timestamp_ms=timestamp)
    await producer.stop()


async def alter(settings: Settings, topic: str, **config: str) -> None:
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    values = {name.replace("_", "."): value for name, value in config.items()}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, values)])
    await admin.close()


def test_every_stage_is_told_and_at_rest_nothing_is_behind(plant: Plant) -> None:
    asyncio.run(send(plant.settings, 20))
    commands, events = plant.topics.commands.name, plant.topics.events.name
    (telemetry,) = plant.topics.telemetry

    def rests(found: Any) -> bool:
        return all(stage(found, *at)["records"] == 0 for at in (("processor", commands), ("projector", events)))

    status = eventually(plant, rests)
    assert {(one["stage"], one["topic"]) for one in status["stages"]} == {
        ("router", telemetry),
        ("processor", commands),
        ("actions", events),
        ("projector", events),
        ("projector", plant.topics.definitions.name),
        ("projector", plant.topics.audit.name),
        ("projector", telemetry),
    }
    assert stage(status, "processor", commands)["seconds"] == 0
    behind = stage(status, "actions", events)
    assert behind["records"] >= 20, "no action worker runs"
    assert behind["seconds"] > 0
    assert status["warnings"] == []
    table = plant.weir("status").stdout
    assert "records behind" in table
    assert commands in table


def test_a_stopped_processor_falls_behind_in_records_and_seconds(plant: Plant) -> None:
    commands = plant.topics.commands.name
    eventually(plant, lambda found: stage(found, "processor", commands)["records"] == 0)
    plant.stack.stop_process("processor")
    asyncio.run(send(plant.settings, 30))
    first = stage(eventually(plant, lambda _: True), "processor", commands)
    assert first["records"] == 30
    later = stage(
        eventually(plant, lambda found: stage(found, "processor", commands)["seconds"] > first["seconds"]),
        "processor",
        commands,
    )
    assert later["records"] == 30
    plant.start("processor")
    eventually(plant, lambda found: stage(found, "processor", commands)["seconds"] == 0)


def test_readings_that_retention_is_about_to_take_are_told(plant: Plant) -> None:
    (telemetry,) = plant.topics.telemetry
    plant.stack.stop_process("projector")
    asyncio.run(write_reading(plant.settings, telemetry, 2 * DAY_S))
    status = eventually(plant, lambda found: stage(found, "projector", telemetry)["records"] == 1)
    margin = stage(status, "projector", telemetry)["margin_s"]
    assert 4.9 * DAY_S < margin < 5 * DAY_S, "kept for 7 days"
    asyncio.run(alter(plant.settings, telemetry, retention_ms=str(3 * DAY_S * 1000)))
    status = eventually(plant, lambda found: bool(found["warnings"]), code=1)
    assert len(status["warnings"]) == 1
    assert telemetry in status["warnings"][0]
    assert "retention.ms" in status["warnings"][0]
    plant.start("projector")
    eventually(plant, lambda found: stage(found, "projector", telemetry)["records"] == 0)


@pytest.mark.parametrize("setting", ["retention_ms", "retention_bytes"])
def test_events_that_anything_deletes_are_a_problem(plant: Plant, setting: str) -> None:
    events = plant.topics.events.name
    asyncio.run(alter(plant.settings, events, **{"retention_ms": "-1", setting: "1000000000000"}))
    (warning,) = eventually(plant, lambda found: bool(found["warnings"]), code=1)["warnings"]
    assert warning.startswith(f"{events}: {setting.replace('_', '.')} is set")
    asyncio.run(alter(plant.settings, events, retention_ms="-1"))
    eventually(plant, lambda found: not found["warnings"])
