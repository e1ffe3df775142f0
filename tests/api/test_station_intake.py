"""Positions and messages told over HTTP: the station takes them in as what comes over MQTT."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from streams.agents import station
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.api.conftest import ADMIN, ADMIN_KEY
from tests.api.inside import inside
from tests.api.test_repeated_rows import unsaid
from tests.roles import running
from tests.site import make_site
from weir.database import bring_up_to_date

HERE = {"lat": 48.2, "lon": 16.37}


@pytest.fixture
async def place(settings: Settings, tmp_path: Path) -> tuple[Settings, Topics]:
    """A site with the station's topics, which all applications share: users have names of their own."""
    own = settings.model_copy(update={"api_admin_key": SecretStr(ADMIN_KEY)})
    made = await make_site(own, tmp_path, station=True)
    await bring_up_to_date(made[0])
    return made


@pytest.fixture
async def gateway(place: tuple[Settings, Topics], tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings, _ = place
    async with running(station.__name__, settings, tmp_path) as role, inside(settings) as client:
        await role.works()
        client.headers.update(ADMIN)
        await eventually(lambda: client.get("/health"), lambda found: found.status_code == 200)
        yield client
        await role.stop()


async def test_positions_and_messages(gateway: httpx.AsyncClient, place: tuple[Settings, Topics]) -> None:
    ann, zone = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("ann", "door"))
    made = await gateway.put(f"/api/zones/{zone}", json={"name": "Door", **HERE, "radius_m": 25})
    assert made.status_code == 200, made.text

    async def ask(path: str, **query: Any) -> Any:
        return (await gateway.get(path, params=query)).json()

    for at in (HERE | {"accuracy_m": 5}, {"lat": 1, "lon": 2, "timestamp": "2020-01-01T00:00:00Z"}):
        told = await gateway.post("/api/positions", json={"user_id": ann} | at)
        assert (told.status_code, told.json()) == (202, {"message": "accepted"}), told.text
    for text in ("Open", "Shut"):
        written = await gateway.post("/api/messages", json={"user_id": ann, "channel": "night", "text": text})
        assert written.status_code == 202, written.text
    messages = await eventually(lambda: ask("/api/messages", user_id=ann), lambda found: len(found["messages"]) == 2)
    assert [(one["text"], one["channel"], one["direction"]) for one in messages["messages"]] == [
        ("Shut", "night", "in"), ("Open", "night", "in"),
    ]  # fmt: skip
    first = await ask("/api/messages", user_id=ann, limit=1)
    then = await ask("/api/messages", user_id=ann, limit=1, cursor=first["next_cursor"])
    assert (first["messages"] + then["messages"], then["next_cursor"]) == (messages["messages"], None)
    assert (await ask("/api/messages", user_id=ann, direction="out"))["messages"] == []
    assert (await ask("/api/messages", user_id=ann, until="2020-01-01T00:00:00Z"))["messages"] == []
    found = await eventually(lambda: ask("/api/positions", zone=zone), lambda page: page["positions"])
    assert [(one["user_id"], one["lat"], one["accuracy_m"], one["zones"]) for one in found["positions"]] == [
        (ann, 48.2, 5.0, [zone])
    ]  # what is older moves nobody
    assert (await ask("/api/positions", user_id=ann, since="2100-01-01T00:00:00Z"))["positions"] == []
    for wrong in ({"lat": 91, "lon": 0}, {"lat": 1}, {**HERE, "accuracy_m": -1}, {**HERE, "speed": 3}):
        refused = await gateway.post("/api/positions", json={"user_id": ann} | wrong)
        assert refused.status_code == 422, wrong
    assert (await gateway.post("/api/messages", json={"user_id": ann, "text": "a" * 4001})).status_code == 422

    named = {"Idempotency-Key": "once"}
    for _ in range(2):  # and a gateway that dies before it has said so
        again = await gateway.post("/api/messages", json={"user_id": ann, "text": "Once"}, headers=named)
        assert again.status_code == 202, again.text
        await unsaid(place)
    await gateway.post("/api/messages", json={"user_id": ann, "text": "Last"})
    messages = await eventually(
        lambda: ask("/api/messages", user_id=ann), lambda page: page["messages"][0]["text"] == "Last"
    )
    assert [one["text"] for one in messages["messages"]] == ["Last", "Once", "Shut", "Open"]


async def test_a_plant_without_a_station(api: httpx.AsyncClient) -> None:
    refused = await api.post("/api/positions", json={"user_id": "ann", **HERE})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no_topic")
    assert "positions" in refused.json()["detail"]
