"""Somebody ends the projectors' database sessions, as an administrator or a connection pooler does."""

from random import Random

import asyncpg

from tests.chaos.site import Site

QUERY = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = user"


async def strike(site: Site, rng: Random) -> str:
    connection = await asyncpg.connect(site.settings.database_url, timeout=10)
    try:
        ended = await connection.fetchval(QUERY)
    finally:
        connection.terminate()
    return f"{ended} sessions"
