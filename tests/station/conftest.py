"""A station's database, and topics of its own where Kafka is real."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from tests.site import migrated
from tests.station.databases import Memory, Postgres


@pytest.fixture
async def station_url(fresh_database: Callable[..., str]) -> str:
    """A database with the newest schema."""
    return fresh_database(migrated)


@pytest.fixture
async def connection(station_url: str) -> AsyncIterator[asyncpg.Connection]:
    """For looking, and for what people do by SQL."""
    connection = await asyncpg.connect(station_url)
    yield connection
    await connection.close()


@pytest.fixture(params=["memory", "postgres"])
async def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Memory | Postgres]:
    """The simulated database and the real one: what is asked of one is asked of the other."""
    if request.param == "memory":
        made: Memory | Postgres = Memory()
        monkeypatch.setattr("asyncpg.connect", made.connect)
    else:
        made = Postgres(request.getfixturevalue("fresh_database")(migrated))
    yield made
    made.close()
