"""Bulk operations on the real stack: cancelled half way, and over gateways that die wherever it hurts."""

import asyncio
import json
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from projections import app as projector
from streams.agents import processor
from streams.codec import decode_command
from streams.core.commands import Signal
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.api import dying_gateway
from tests.api.conftest import ADMIN, MAX_LAG
from tests.api.test_gateway import START, deploy
from tests.roles import Role, reading, running
from weir.database import connected

PAGE = MAX_LAG // 2
COUNT = 2 * PAGE + 7
FILTER = {"definition": "approval"}


def client_of(settings: Settings) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=30, headers=ADMIN)


async def started(api: httpx.AsyncClient) -> list[str]:
    """Instances that wait, and are in the database."""

    async def start(number: int) -> str:
        body = {"key": f"k-{number}", "variables": {"amount": 1}}
        answer = await eventually(lambda: api.post(START, json=body), lambda found: found.status_code != 503)
        assert answer.status_code == 202, answer.text
        return answer.json()["instance_id"]

    ids = [await start(number) for number in range(COUNT)]
    await eventually(lambda: api.get("/processes", params=FILTER), lambda found: found.json()["total"] == COUNT)
    return ids


async def signals(settings: Settings, topics: Topics) -> Counter[str]:
    """How many committed signals there are, by instance."""
    async with reading(settings, topics.commands.name, topics.partitions) as log:
        await log.look()
        commands = [decode_command(record.value) for record in log.records]
    return Counter(one.instance_id or "" for one in commands if isinstance(one, Signal))


async def told(api: httpx.AsyncClient, ids: list[str]) -> Counter[int]:
    """How many instances have got so many signals."""
    found: Counter[int] = Counter()
    for one in ids:
        page = await api.get(f"/processes/{one}/history", params={"type": "signal_received"})
        found[len(page.json()["items"])] += 1
    return found


async def begun(api: httpx.AsyncClient, name: str) -> str:
    body = {"operation": "signal", "filter": FILTER, "parameters": {"name": name}}
    made = await api.post("/bulk", json=body)
    assert (made.status_code, made.json()["total"]) == (202, COUNT), made.text
    return made.headers["location"]


def counts(found: dict[str, Any]) -> tuple[Any, ...]:
    return found["status"], found["sent"], found["done"], found["refused"]


async def test_an_operation_that_is_cancelled_half_way(
    site: tuple[Settings, Topics], api: httpx.AsyncClient, tmp_path: Path
) -> None:
    settings, topics = site
    async with running(projector.__name__, settings, tmp_path):
        async with running(processor.__name__, settings, tmp_path) as worker:
            await deploy(settings)
            ids = await started(api)
            await worker.stop()
        place = await begun(api, "nobody takes it")
        await eventually(lambda: api.get(place), lambda found: found.json()["sent"] == PAGE)
        cancelled = await api.post(f"{place}/cancel")
        assert cancelled.status_code == 200, cancelled.text
        assert counts(cancelled.json()) == ("cancelled", PAGE, 0, 0)
        assert (await api.post(f"{place}/cancel")).json()["type"] == "/problems/not_running"
        async with running(processor.__name__, settings, tmp_path):
            found = await eventually(lambda: api.get(place), lambda found: found.json()["done"] == PAGE)
            assert counts(found.json()) == ("cancelled", PAGE, PAGE, 0), "what was sent is done, and counted"
            other = await begun(api, "for all")  # when it is over, the cancelled one would have gone on
            found = await eventually(lambda: api.get(other), lambda found: found.json()["status"] != "running")
            assert counts(found.json()) == ("completed", COUNT, COUNT, 0)
            assert counts((await api.get(place)).json()) == ("cancelled", PAGE, PAGE, 0)
            newest = {
                one["id"] for one in (await api.get("/processes", params=FILTER | {"limit": PAGE})).json()["items"]
            }
    assert await signals(settings, topics) == {one: 2 if one in newest else 1 for one in ids}


async def test_an_operation_goes_on_over_gateways_that_die(
    site: tuple[Settings, Topics], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, topics = site
    async with (
        running(processor.__name__, settings, tmp_path),
        running(projector.__name__, settings, tmp_path),
        client_of(settings) as api,
    ):
        async with running("weir.api.run", settings, tmp_path) as gateway:
            await gateway.works()
            await deploy(settings)
            ids = await started(api)
            await gateway.stop()
        place = ""
        for point in dying_gateway.POINTS:
            monkeypatch.setenv(dying_gateway.VARIABLE, point)
            async with running(dying_gateway.__name__, settings, tmp_path) as gateway:
                await gateway.works()
                place = place or await begun(api, "for all")
                await died(gateway)
            async with connected(settings) as connection:  # its lease is over
                await connection.execute(
                    "UPDATE bulk_operations SET locked_until = now() WHERE id = $1", uuid.UUID(place.rpartition("/")[2])
                )
        async with running("weir.api.run", settings, tmp_path) as gateway:
            found = await eventually(lambda: api.get(place), lambda found: found.json()["status"] != "running")
            assert counts(found.json()) == ("completed", COUNT, COUNT, 0)
            assert await signals(settings, topics) == dict.fromkeys(ids, 1), "each command is sent once"
            assert await eventually(lambda: told(api, ids), lambda found: found[0] == 0) == {1: COUNT}
            await gateway.stop()


async def test_a_page_that_has_stood_longer_than_commands_are_kept_is_not_sent_again(
    site: tuple[Settings, Topics], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell whether it was sent: here it was not, and the gateway has never said so."""
    settings, topics = site
    async with (
        running(processor.__name__, settings, tmp_path),
        running(projector.__name__, settings, tmp_path),
        client_of(settings) as api,
    ):
        monkeypatch.setenv(dying_gateway.VARIABLE, "before the commit")
        async with running(dying_gateway.__name__, settings, tmp_path) as gateway:
            await gateway.works()
            await deploy(settings)
            ids = await started(api)
            place = await begun(api, "for all")
            await died(gateway)
        async with connected(settings) as connection:
            (page,) = await connection.fetchrow(
                "UPDATE bulk_operations SET locked_until = now(), page = jsonb_set(page, '{at_ms}', $2) "
                "WHERE id = $1 RETURNING page::text",
                uuid.UUID(place.rpartition("/")[2]),
                str(round((time.time() - settings.commands_keep_s) * 1000)),
            )
        lost = json.loads(page)["ids"]
        async with running("weir.api.run", settings, tmp_path) as gateway:
            found = await eventually(lambda: api.get(place), lambda found: found.json()["status"] != "running")
            assert counts(found.json()) == ("completed", COUNT, COUNT - len(lost), len(lost))
            assert found.json()["reasons"] == {"unknown_outcome": len(lost)}
            assert {one["instance_id"] for one in found.json()["refusals"]} <= set(lost)
            await gateway.stop()
    assert await signals(settings, topics) == dict.fromkeys(set(ids) - set(lost), 1)


async def died(gateway: Role) -> None:
    async with asyncio.timeout(60):
        assert await gateway.process.wait() == -9, gateway.output()
