"""Backpressure: refused with 503 while the processor is too far behind, taken again afterwards, and nothing lost."""

import time
from pathlib import Path

import httpx

from streams.agents import processor
from streams.codec import decode_event
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.api.conftest import MAX_LAG
from tests.api.test_gateway import deploy
from tests.roles import DEADLINE_S, reading, running


async def test_starts_that_pile_up_are_refused_and_those_taken_are_carried_out(
    site: tuple[Settings, Topics], api: httpx.AsyncClient, tmp_path: Path
) -> None:
    settings, topics = site
    async with running(processor.__name__, settings, tmp_path) as role:
        await deploy(settings)
        await role.stop()
    taken: list[str] = []

    async def start() -> httpx.Response:
        answer = await api.post("/processes/approval/start", json={"variables": {"amount": len(taken)}})
        if answer.status_code == 202:
            taken.append(answer.json()["instance_id"])
        return answer

    deadline = time.monotonic() + DEADLINE_S
    while (refused := await start()).status_code == 202:
        assert time.monotonic() < deadline, len(taken)
    assert refused.status_code == 503
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    problem = refused.json()
    assert (problem["type"], refused.headers["content-type"]) == ("/problems/overloaded", "application/problem+json")
    assert "Nothing was taken" in problem["detail"]
    assert len(taken) >= MAX_LAG, "no refusal before the limit"
    assert (await api.post("/signals", json={"name": "go", "key": "k"})).status_code == 503
    assert (await api.get("/health")).status_code == 200, "a gate that is closed works"

    async with running(processor.__name__, settings, tmp_path) as role:
        await eventually(start, lambda answer: answer.status_code == 202)
        async with reading(settings, topics.events.name, topics.partitions) as log:
            await log.until(
                lambda records: sum(decode_event(record.value).type == "started" for record in records) >= len(taken)
            )
            started = [event.subject for event in map(decode_event, (r.value for r in log.records)) if event.seq == 1]
        await role.stop()
    instances = [subject for subject in started if not subject.startswith("definition:")]
    assert sorted(instances) == sorted(taken), "each that was answered 202, once, and no other"
