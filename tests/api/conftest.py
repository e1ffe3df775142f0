"""The gateway as a process on a site of its own, and a client of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.roles import running
from tests.site import make_site, migrated
from weir.database import bring_up_to_date
from weir.stack.ports import free_port_numbers

ADMIN_KEY = "the tests' own key of an administrator"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
MAX_LAG = 50
"""Commands that may wait in these tests."""


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> tuple[Settings, Topics]:
    (port,) = free_port_numbers(1, 20000, 20999)
    limits = {
        "api_port": port,
        "api_max_lag_records": MAX_LAG,
        "api_max_lag_s": 3600.0,
        "api_admin_key": SecretStr(ADMIN_KEY),
    }
    own, topics = await make_site(settings.model_copy(update=limits), tmp_path)
    await bring_up_to_date(own)
    return own, topics


@pytest.fixture
async def api(site: tuple[Settings, Topics], tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway, which is ready."""
    settings, _ = site
    async with (
        running("weir.api.run", settings, tmp_path) as role,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=30, headers=ADMIN) as client,
    ):
        await eventually(lambda: client.get("/health"), lambda found: found.status_code == 200)
        yield client
        await role.stop()


@pytest.fixture
async def connection(fresh_database: Callable[..., str]) -> AsyncIterator[asyncpg.Connection]:
    """To a database with the newest schema, without any role."""
    found = await asyncpg.connect(fresh_database(migrated))
    yield found
    await found.close()
