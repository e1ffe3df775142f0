import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from projections.errors import MigrationError
from projections.migrations import migrate
from projections.migrations.migrate import DIRECTORY, load
from projections.tables import TABLES
from streams.core.state import STATUSES
from tests.projections.conftest import World
from tests.projections.story import EVENTS, batch, numbered
from tests.projections.test_equals_core import HISTORIES


async def _migrate(url: str, directory: Path = DIRECTORY) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return await migrate(connection, directory)
    finally:
        await connection.close()


async def _fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the migrations, to be changed."""
    return Path(shutil.copytree(DIRECTORY, tmp_path / "migrations"))


async def test_a_new_database_gets_everything_once(fresh_database: Callable[..., str]) -> None:
    url = fresh_database()
    expected = [f"{migration.number:03}_{migration.name}" for migration in load()]
    assert await _migrate(url) == expected
    assert await _migrate(url) == []
    hypertables = await _fetch(url, "SELECT hypertable_name FROM timescaledb_information.hypertables ORDER BY 1")
    assert [row[0] for row in hypertables] == [
        "audit_log",
        "process_history",
        "process_instances",
        "telemetry",
    ]


async def test_every_table_is_registered(database_url: str) -> None:
    tables = await _fetch(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row[0] for row in tables} == set(TABLES)
    assert all(name == table.name for name, table in TABLES.items())


async def test_several_at_once_apply_each_file_once(fresh_database: Callable[..., str]) -> None:
    url = fresh_database()
    applied = await asyncio.gather(*(_migrate(url) for _ in range(4)))
    assert sorted(name for names in applied for name in names) == [
        f"{migration.number:03}_{migration.name}" for migration in load()
    ]


async def test_a_new_file_is_applied_to_an_old_database(database_url: str, directory: Path) -> None:
    number = len(load()) + 1
    (directory / f"{number:03}_notes.sql").write_text("CREATE TABLE notes (text text); INSERT INTO notes VALUES ('x')")
    assert await _migrate(database_url, directory) == [f"{number:03}_notes"]
    assert len(await _fetch(database_url, "SELECT * FROM notes")) == 1


OLD = "010"
"""The last migration of a database that is filled already; those behind it tell from its rows what theirs are."""
FILLED = ("process_instances", "process_history", "tasks")
TOLD = ("process_instances", "incidents", "process_rollups", "process_totals", "activity_rollups")

COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1"


async def test_a_filled_database_gets_the_rows_that_a_projector_makes(
    world: World, fresh_database: Callable[..., str], directory: Path
) -> None:
    await world.begin(EVENTS)
    values = [value for path in HISTORIES for value in path.read_bytes().splitlines()]
    await world.projector.project(batch(EVENTS, numbered(values)))
    for file in directory.glob("*.sql"):  # noqa: ASYNC240
        if file.name[:3] > OLD:
            file.unlink()
    url = fresh_database()
    await _migrate(url, directory)
    new, old = await asyncpg.connect(world.url), await asyncpg.connect(url)
    try:
        for table in FILLED:
            columns = [row[0] for row in await old.fetch(COLUMNS, table)]
            rows = await new.fetch(f"SELECT {', '.join(columns)} FROM {table}")
            await old.copy_records_to_table(table, records=rows, columns=columns)
        assert len(await migrate(old)) == len(load()) - int(OLD)
        for table in TOLD:
            assert _counting(await old.fetch(f"SELECT * FROM {table}")) == _counting(
                await new.fetch(f"SELECT * FROM {table}")
            )
    finally:
        await new.close()
        await old.close()


def _counting(rows: list[asyncpg.Record]) -> list[str]:
    """Not those of versions that all instances have left for another: the projector keeps them, with nothing but 0."""
    found = [row for row in rows if "running" not in row or any(row[status] for status in STATUSES)]
    assert found
    return sorted(map(repr, found))


async def test_a_failing_file_leaves_nothing_of_itself(database_url: str, directory: Path) -> None:
    number = len(load()) + 1
    (directory / f"{number:03}_bad.sql").write_text("CREATE TABLE half (text text); SELECT no_such_function()")
    with pytest.raises(MigrationError, match=r"_bad\.sql failed: function no_such_function\(\) does not exist"):
        await _migrate(database_url, directory)
    assert await _fetch(database_url, "SELECT * FROM pg_tables WHERE tablename = 'half'") == []


async def test_an_edited_file_is_refused(database_url: str, directory: Path) -> None:
    file = directory / "003_process_history.sql"
    file.write_text(file.read_text() + "-- a harmless word\n")
    with pytest.raises(MigrationError, match=r"Expected migration 3 .* never edited"):
        await _migrate(database_url, directory)


async def test_a_newer_database_is_refused(database_url: str, directory: Path) -> None:
    newest = max(directory.glob("*.sql"))  # noqa: ASYNC240
    newest.unlink()
    with pytest.raises(MigrationError, match=r"made by a newer Weir\. Upgrade this one"):
        await _migrate(database_url, directory)


@pytest.mark.parametrize("name", ["999_gap.sql", "notes.sql", "1_short.sql"])
def test_files_are_numbered_without_a_gap(directory: Path, name: str) -> None:
    (directory / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=r"rename it"):
        load(directory)
