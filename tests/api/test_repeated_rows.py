"""A row that was made by a gateway which died before it said so is not made a second time under its Idempotency-Key."""

from typing import Any

import httpx
import pytest

from streams.settings import Settings
from streams.topics import Topics
from tests.api.test_template_owners import BASE, TEXT
from weir.database import connected

Site = tuple[Settings, Topics]
HEADERS = {"Idempotency-Key": "once"}


async def unsaid(site: Site) -> None:
    """As the gateway leaves it that dies between the row's commit and the answer."""
    async with connected(site[0]) as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET status = NULL, headers = NULL, answer = NULL, locked_until = now()"
        )


async def test_an_api_key(api: httpx.AsyncClient, site: Site) -> None:
    body = {"name": "line 2", "roles": ["viewer"]}
    assert (await api.post("/api-keys", json=body, headers=HEADERS)).status_code == 201
    for _ in range(2):
        await unsaid(site)
        again = await api.post("/api-keys", json=body, headers=HEADERS)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/told_once"), again.text
    assert [one["name"] for one in (await api.get("/api-keys")).json()] == ["line 2"]


@pytest.mark.parametrize("is_changed", [False, True])
async def test_a_template(api: httpx.AsyncClient, site: Site, is_changed: bool) -> None:
    body: dict[str, Any] = {"text": TEXT.format(id="hers", name="Hers")}
    made = await api.post(f"{BASE}/import", json=body, headers=HEADERS)
    assert made.status_code == 201, made.text
    if is_changed:
        other = {"text": TEXT.format(id="hers", name="Another"), "replace": True}
        assert (await api.post(f"{BASE}/import", json=other)).status_code == 201
    await unsaid(site)
    again = await api.post(f"{BASE}/import", json=body, headers=HEADERS)
    assert again.status_code == (409 if is_changed else 201), again.text
