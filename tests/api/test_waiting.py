"""What comes next: when an instance goes on by itself, and who waits for an event."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from projections import app as projector
from streams.agents import processor
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.roles import running

ORDER = """
id: order
description: Waits for what was ordered.
triggers: [{type: api}, {type: message, name: ordered}]
variables: [{name: number, type: string, required: true, source: payload.number}]
activities:
  - {id: rest, type: timer, duration: 1h}
"""
DELIVERY = """
id: delivery
trigger: {type: api}
variables: [{name: number, type: string, required: true}]
activities:
  - {id: wait, type: message, name: delivered, correlation: number, timeout: 2h}
"""
DAILY: dict[str, Any] = {
    "name": "Daily",
    "triggers": [
        {"trigger_type": "time_schedule", "trigger_config": {"at": "06:00", "timezone": "Europe/Berlin"}},
        {"trigger_type": "time_schedule", "trigger_config": {"every": "1h"}, "is_active": False},
    ],
    "actions": [{"action_type": "log", "action_config": {"message": "up"}}],
}


@pytest.fixture
async def plant(site: tuple[Settings, Topics], tmp_path: Path) -> AsyncIterator[None]:
    settings, _ = site
    async with running(processor.__name__, settings, tmp_path), running(projector.__name__, settings, tmp_path):
        yield


@pytest.mark.usefixtures("plant")
async def test_what_comes_next(api: httpx.AsyncClient) -> None:
    for text in (ORDER, DELIVERY):
        deployed = await api.post("/definitions", json={"text": text})
        assert deployed.status_code < 300, deployed.text
    rests = await started(api, "order", "rest")
    assert (rests["node_id"], rests["description"]) == ("rest", "Waits for what was ordered.")
    assert moment(rests["next_execution"]) - moment(rests["updated_at"]) == timedelta(hours=1)
    waits = await started(api, "delivery", "wait")
    assert moment(waits["next_execution"]) - moment(waits["updated_at"]) == timedelta(hours=2)
    suspended = await api.post(f"/processes/{waits['id']}/suspend", json={}, params={"wait": "10"})
    assert suspended.status_code == 200, suspended.text

    async def stands() -> Any:
        return (await api.get(f"/processes/{waits['id']}")).json()

    found = await eventually(stands, lambda one: one["status"] == "suspended")
    assert found["next_execution"] is None

    of_message = (await api.get("/subscriptions", params={"event": "delivered"})).json()
    assert ([one["instance_id"] for one in of_message["instances"]], of_message["definitions"]) == ([waits["id"]], [])
    assert (of_message["instances"][0]["correlation"], of_message["next_cursor"]) == ("A-7", None)
    by_key = {"event": "delivered", "key": "A-7", "limit": 1}
    assert (await api.get("/subscriptions", params=by_key)).json()["instances"] == of_message["instances"]
    assert (await api.get("/subscriptions", params=by_key | {"key": "A-8"})).json()["instances"] == []
    starts = (await api.get("/subscriptions", params={"event": "ordered"})).json()
    assert [(one["definition_id"], one["trigger_type"]) for one in starts["definitions"]] == [("order", "message")]
    assert (await api.get("/subscriptions")).status_code == 422
    assert (await api.get("/subscriptions", params=by_key | {"cursor": "x"})).status_code == 422

    assert (await api.post("/api/processes", json=DAILY)).status_code == 201
    at = (await api.get("/api/processes/daily")).json()["next_execution"]
    assert moment(at).minute == 0
    assert moment(at).hour in (4, 5), "six in Berlin"
    assert (await api.delete("/api/processes/daily")).status_code == 200
    assert (await api.get("/api/processes/daily")).json()["next_execution"] is None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def started(api: httpx.AsyncClient, definition: str, at: str) -> Any:
    """An instance that has come to that activity."""
    begun = await api.post(f"/processes/{definition}/start", json={"variables": {"number": "A-7"}})
    assert begun.status_code == 202, begun.text

    async def look() -> Any:
        return (await api.get(begun.headers["location"])).json()

    return await eventually(look, lambda one: one.get("current_activity") == at and one.get("next_execution"))
