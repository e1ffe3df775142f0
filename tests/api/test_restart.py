"""A gateway that is stopped, and one that is killed, under load: what it answered 202 is in Kafka, and in the audit."""

import asyncio
from pathlib import Path

import httpx

from streams.audit import decode_audit
from streams.codec import decode_command
from streams.core.commands import StartProcess
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.api.conftest import ADMIN
from tests.roles import reading, running

LOAD = 12
ENOUGH = 100


async def test_nothing_that_was_acknowledged_is_lost(site: tuple[Settings, Topics], tmp_path: Path) -> None:
    given, topics = site
    settings = given.model_copy(update={"api_max_lag_records": 1_000_000})
    taken: list[str] = []
    stop = asyncio.Event()

    async def load(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            try:
                answer = await client.post("/processes/anything/start", json={"variables": {"n": len(taken)}})
            except httpx.TransportError:
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code in (202, 503), answer.text
            if answer.status_code == 202:
                taken.append(answer.json()["instance_id"])

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=30, headers=ADMIN) as client:
        loads = [asyncio.create_task(load(client)) for _ in range(LOAD)]

        async def goes_on() -> None:
            before = len(taken)
            await eventually(lambda: client.get("/health"), lambda _: len(taken) >= before + ENOUGH)

        async with running("weir.api.run", settings, tmp_path) as first:
            await goes_on()
            await first.stop()
        async with running("weir.api.run", settings, tmp_path) as second:
            await goes_on()
            await second.kill()
        async with running("weir.api.run", settings, tmp_path) as third:
            await goes_on()
            stop.set()
            await asyncio.gather(*loads)
            await third.stop()

    async with reading(settings, topics.commands.name, topics.partitions) as log:
        records = await log.until(lambda records: len(records) >= len(taken))
        await log.look()
    async with reading(settings, topics.audit.name, topics.audit.partitions) as log:
        audit = [decode_audit(record.value) for record in await log.until(lambda records: len(records) >= len(taken))]
    assert set(taken) <= {one.command_id for one in audit}
    assert {one.status for one in audit} <= {202, 503}
    commands = [decode_command(record.value) for record in records]
    sent = [command.instance_id for command in commands if isinstance(command, StartProcess)]
    assert set(taken) <= set(sent)
    assert len(sent) == len(set(sent))
