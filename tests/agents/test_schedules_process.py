"""Two processors and an action worker on a clock that runs 600 times as fast: a schedule and a polled table start each
moment and each row once, though one of the processors is killed in between.
"""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.structs import ConsumerRecord

from streams.codec import decode_event
from streams.core.commands import DeployDefinition
from streams.core.durations import instant_text, parse_instant_ms
from streams.core.parse import parse_definition
from streams.settings import Settings
from tests.roles import reading, running
from tests.site import make_site
from weir.client import CommandClient
from weir.watch import Accepted

PROCESSOR, ACTIONS = "streams.agents.processor", "streams.agents.actions"
PARTITIONS = 4
FACTOR = 600
HOURLY = """
id: hourly
trigger: {type: schedule, cron: "0 * * * *", time_zone: Europe/Berlin, catch_up: all, mode: parallel}
variables: [{name: hour, source: nominal}]
activities: [{id: note, type: service, action: log, message: "for ${hour}"}]
"""
ORDERS = """
id: orders
trigger: {type: database, query: "SELECT id, device FROM orders", watermark: id, every: 10m, start: beginning, limit: 3,
          key: device, mode: queued, max: 100}
concurrency: 2
variables: [{name: order, source: id}]
activities: [{id: nap, type: timer, duration: 5m}]
"""


def begun(records: Sequence[ConsumerRecord], definition: str, variable: str) -> list[Any]:
    """The variable of each instance that has started, in order."""
    events = [decode_event(record.value) for record in records]
    started = [one for one in events if one.type == "started" and one.definition_id == definition]
    return sorted(one.data["variables"][variable] for one in started)


def completed(records: Sequence[ConsumerRecord], definition: str) -> int:
    events = [decode_event(record.value) for record in records]
    return sum(one.type == "completed" and one.definition_id == definition for one in events)


async def insert(url: str, first: int, last: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, device text)")
        rows = [(number, f"pump-{number % 2}") for number in range(first, last + 1)]
        await connection.executemany("INSERT INTO orders VALUES ($1, $2)", rows)
    finally:
        await connection.close()


async def test_every_moment_and_every_row_starts_once(settings: Settings, tmp_path: Path) -> None:
    wall_ms = int(time.time() * 1000)
    clock = f"2026-10-24T22:30:00Z@{instant_text(wall_ms)}x{FACTOR}"  # the night on which Berlin puts its clocks back
    own, topics = await make_site(settings.model_copy(update={"clock": clock, "session_timeout_s": 6.0}), tmp_path)
    await insert(own.database_url, 1, 5)
    async with (
        reading(own, topics.events.name, PARTITIONS) as events,
        CommandClient(own, topics) as client,
        AsyncExitStack() as stack,
    ):
        victim = await stack.enter_async_context(running(PROCESSOR, own, tmp_path))
        await victim.works()
        for module in (PROCESSOR, ACTIONS):
            await stack.enter_async_context(running(module, own, tmp_path))
        for text in (HOURLY, ORDERS):
            definition = parse_definition(text).model_dump(mode="json")
            assert isinstance(await client.send_and_wait(DeployDefinition(definition=definition), 60), Accepted)
        await events.until(lambda records: len(begun(records, "hourly", "hour")) >= 2)
        await events.until(lambda records: begun(records, "orders", "order") == [1, 2, 3, 4, 5])
        await victim.kill()
        await insert(own.database_url, 6, 12)
        alive = len(begun(events.records, "hourly", "hour"))
        await events.until(lambda records: len(begun(records, "hourly", "hour")) >= alive + 3)
        await events.until(lambda records: completed(records, "orders") == 12)
        hours = [parse_instant_ms(hour) for hour in begun(events.records, "hourly", "hour")]
        assert [later - earlier for earlier, later in pairwise(hours)] == [3_600_000] * (len(hours) - 1)
        assert begun(events.records, "orders", "order") == list(range(1, 13))
