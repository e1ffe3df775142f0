"""``/statistics/queries`` over HTTP, on a server that counts its statements, and on one that does not."""

from collections.abc import Callable

import asyncpg
import httpx

from tests.api.inside import inside, settings_of
from tests.site import migrated
from weir.keys import table

ADMIN_KEY = "the key of an administrator, which is long"
PATH = "/statistics/queries"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


async def ask(api: httpx.AsyncClient, path: str = PATH, headers: dict[str, str] = ADMIN) -> httpx.Response:
    return await api.get(path, headers=headers)


async def test_who_may_ask_for_statements_and_how(fresh_database: Callable[..., str]) -> None:
    url = fresh_database(migrated)
    connection = await asyncpg.connect(url)
    _, viewer = await table.create(connection, name="v", by="admin", roles=["viewer"])
    counts = await connection.fetchval("SELECT to_regclass('pg_stat_statements') IS NOT NULL") and (
        await connection.fetchval("SELECT count(*) FROM pg_settings WHERE name = 'pg_stat_statements.max'")
    )
    await connection.close()
    async with inside(settings_of(database_url=url, api_admin_key=ADMIN_KEY)) as api:
        for path in (PATH, "/statistics/storage"):
            theirs = await ask(api, path, {"Authorization": f"Bearer {viewer.text}"})
            assert (theirs.status_code, theirs.json()["type"]) == (403, "/problems/forbidden"), "statements hold data"
        for limit in ("0", "201", "many"):
            wrong = await ask(api, f"{PATH}?limit={limit}")
            assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "query.limit")
        found = await ask(api, f"{PATH}?limit=2")
        assert found.status_code == (200 if counts else 409), found.text
        assert not counts or len(found.json()["slow_queries"]) == 2


async def test_a_server_that_does_not_count_its_statements(fresh_database: Callable[..., str]) -> None:
    url = f"{fresh_database()}?search_path=pg_catalog"  # where no extension is
    async with inside(settings_of(database_url=url, api_admin_key=ADMIN_KEY)) as api:
        missing = await ask(api)
    assert (missing.status_code, missing.json()["type"]) == (409, "/problems/no_statements"), missing.text
    assert "shared_preload_libraries" in missing.json()["fix"]
    assert missing.headers["content-type"] == "application/problem+json"
