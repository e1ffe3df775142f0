"""A replay of the projections: the same rows, whatever was done to them before and whoever works meanwhile."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from projections.errors import MigrationError, ReplayError, ReplayRunningError
from projections.migrations.migrate import load
from projections.replay.shadow import PROJECTED, SCHEMA
from projections.replay.swap import REPLACED
from streams.log import opened
from streams.settings import Settings
from streams.transport.port import TopicPartition
from tests.projections.replaying import ReplaySite, replay_site
from tests.site import make_site

OWNED = """
    INSERT INTO users (id, name) VALUES ('ann', 'Ann');
    INSERT INTO zones (id, name, lat, lon, radius_m) VALUES ('north', 'North', 48, 16, 100);
    INSERT INTO zone_members (zone_id, user_id, since) VALUES ('north', 'ann', now())
"""
_WHO_IS_WHERE = """
    SELECT zones.name, users.name FROM zone_members
    JOIN zones ON zones.id = zone_id JOIN users ON users.id = user_id
"""
SCHEMA_QUERIES = (
    """SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
       WHERE table_schema = 'public'""",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace""",
    """SELECT hypertable_name, column_name, time_interval FROM timescaledb_information.dimensions
       WHERE hypertable_schema = 'public'""",
    "SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
)


async def _schema(connection: asyncpg.Connection) -> list[str]:
    """What the tables are, besides their rows: columns, indexes, constraints, hypertables."""
    found = [await connection.fetch(query) for query in SCHEMA_QUERIES]
    return sorted(str(tuple(row)) for rows in found for row in rows)


async def _schemas(connection: asyncpg.Connection) -> set[str]:
    found = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1)", [SCHEMA, REPLACED])
    return {row[0] for row in found}


async def test_the_result_is_row_for_row_the_same_and_owned_tables_stay(site: ReplaySite) -> None:
    await site.write(broken=3)
    await site.audit(5)
    await site.project()
    await site.connection.execute(OWNED)
    before, schema = await site.rows(), await _schema(site.connection)
    report = await site.replay()
    assert await site.rows() == before
    assert await _schema(site.connection) == schema
    assert await _schemas(site.connection) == set()
    names = await site.connection.fetch(_WHO_IS_WHERE)
    assert [tuple(row) for row in names] == [("North", "Ann")]
    assert await site.history() == site.told
    expected = {table: (len(rows), len(rows)) for table, rows in before.items()}
    assert {table: (one.rows, one.before) for table, one in report.tables.items()} == expected
    assert expected["process_instances"] == (12, 12)
    assert expected["tasks"] == (4, 4)
    assert expected["telemetry"] == (40, 40)
    assert expected["audit_log"] == (5, 5)
    assert (report.records, report.refused, report.kept_rows) == (len(site.told) + 43 + 2 + 5, 3, 0)
    assert not report.resumed
    letters = TopicPartition(site.topics.dead_letters.name, 0)
    async with opened(site.settings) as log:
        assert (await log.bounds([letters]))[letters].end == 0  # they are there since they were first projected
    assert site.said[-1].done == site.said[-1].total > 0


async def test_the_projector_goes_on_from_where_it_was(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    await site.replay()
    await site.write()
    await site.project()
    assert await site.history() == site.told
    before = await site.rows()
    await site.replay()
    assert await site.rows() == before


async def test_what_is_not_projected_yet_stays_so(site: ReplaySite) -> None:
    """The shadow goes as far as the live tables, not further: the projector's position must still be true."""
    await site.write()
    await site.project()
    before = await site.rows()
    await site.write()
    await site.replay()
    assert await site.rows() == before
    await site.project()
    assert await site.history() == site.told


DAMAGE = (
    "DELETE FROM process_history WHERE seq = 2",
    "UPDATE process_history SET event_type = 'cancelled' WHERE seq = 1",
    "DELETE FROM process_instances WHERE status = 'failed'",
    "UPDATE process_instances SET variables = '{}', last_seq = 99",
    "INSERT INTO process_definitions VALUES ('ghost', 1, 'Ghost', '{}', 'h', now())",
    "UPDATE definition_activations SET active = null",
    "DELETE FROM telemetry WHERE device_id = 'hp-1'",
    "UPDATE telemetry SET fields = '{\"n\": -1}'",
    "TRUNCATE process_instances, process_history, process_definitions, telemetry",
)


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_healed(site: ReplaySite, damage: str) -> None:
    await site.write()
    await site.project()
    before = await site.rows()
    await site.connection.execute(damage)
    assert await site.rows() != before
    await site.replay()
    assert await site.rows() == before


async def test_of_two_at_once_the_second_is_refused(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    before = await site.rows()
    results = await asyncio.gather(site.replay(), site.replay(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["ReplayReport", ReplayRunningError.__name__]
    assert await site.rows() == before


async def test_an_old_schema_is_refused(site: ReplaySite) -> None:
    newest = load()[-1]
    await site.connection.execute("DELETE FROM schema_migrations WHERE number = $1", newest.number)
    with pytest.raises(MigrationError, match=rf"lacks {newest.title}\. Run `weir migrate`"):
        await site.replay()


async def test_an_empty_database_stays_empty(site: ReplaySite) -> None:
    report = await site.replay()
    assert {table: one.rows for table, one in report.tables.items()} == dict.fromkeys(PROJECTED, 0)
    await site.write()
    await site.project()
    assert await site.history() == site.told


async def test_views_and_grants_go_over_to_the_new_tables(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    await site.connection.execute("""
        GRANT SELECT ON process_instances, telemetry TO pg_monitor;
        GRANT UPDATE ON process_instances TO PUBLIC;
        CREATE VIEW failures WITH (security_barrier=true) AS
            SELECT id, error FROM process_instances JOIN process_history ON id = instance_id AND event_type = 'failed';
        CREATE VIEW count_of_failures AS SELECT count(*) FROM failures;
        GRANT SELECT ON failures TO pg_monitor;
        TRUNCATE process_history;
    """)
    await site.replay()
    assert await site.connection.fetchval("SELECT * FROM count_of_failures") == 4
    options = await site.connection.fetchval("SELECT reloptions FROM pg_class WHERE relname = 'failures'")
    assert options == ["security_barrier=true"]
    granted = await site.connection.fetch(
        """
        SELECT name, privilege FROM unnest($1::text[]) AS name, unnest('{SELECT, UPDATE}'::text[]) AS privilege
        WHERE has_table_privilege('pg_monitor', name, privilege)
    """,
        ["process_instances", "telemetry", "failures", "process_history"],
    )
    assert {tuple(row) for row in granted} == {
        ("process_instances", "SELECT"),
        ("process_instances", "UPDATE"),
        ("telemetry", "SELECT"),
        ("failures", "SELECT"),
    }


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE MATERIALIZED VIEW daily AS SELECT count(*) FROM telemetry", "the materialized view daily"),
        (
            "CREATE TABLE notes (id text, version int, FOREIGN KEY (id, version) REFERENCES process_definitions)",
            "a foreign key of notes",
        ),
    ],
)
async def test_what_cannot_go_over_is_refused_at_the_beginning(site: ReplaySite, made: str, named: str) -> None:
    await site.connection.execute(made)
    with pytest.raises(ReplayError, match=named):
        await site.replay()
    assert await _schemas(site.connection) == set()


async def test_the_live_tables_may_be_in_another_schema(settings: Settings, database_url: str, tmp_path: Path) -> None:
    own, topics = await make_site(settings.model_copy(update={"database_url": database_url}), tmp_path)
    async with replay_site(own, topics) as site:
        name = database_url.rpartition("/")[2]
        tables = "".join(f'ALTER TABLE {table} SET SCHEMA "Plant";' for table in (*PROJECTED, "schema_migrations"))
        await site.connection.execute(f'CREATE SCHEMA "Plant"; {tables}')
        await site.connection.execute(f'ALTER DATABASE "{name}" SET search_path TO "Plant", public')
        await site.connection.execute('SET search_path TO "Plant", public')
        await site.write()
        await site.project()
        before = await site.rows()
        await site.replay()
        assert await site.rows() == before
        assert await site.history() == site.told
        found = await site.connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'Plant'")
        assert {row[0] for row in found} == {*PROJECTED, "schema_migrations"}
