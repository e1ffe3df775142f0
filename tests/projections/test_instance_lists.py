"""Lists of instances over many chunks: what they find, and that they look only where it can be."""

import itertools
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from projections import queries
from projections.instance_filter import InstanceFilter, Variable
from projections.migrations.migrate import DIRECTORY
from projections.queries import instance_count
from projections.queries import instances as list_instances
from projections.queries.audit import statement as audit_statement
from projections.queries.executions import _STEPS as STEPS_QUERY
from projections.queries.executions import statement as execution_statement
from projections.queries.failure_reasons import _QUERY as REASONS_QUERY
from projections.queries.history import QUERY as HISTORY_QUERY
from projections.queries.instance_count import counted
from projections.queries.instance_count import statement as count_statement
from projections.queries.instances import statement
from projections.tables.activity_rollups import _SINCE as SINCE_QUERY
from streams.core.durations import instant
from streams.core.ids import instance_id
from tests.projections.conftest import World
from tests.projections.plans import looked_past, nodes_of, planned
from tests.projections.story import T0

WEEK_MS = 7 * 86_400_000
WEEK = timedelta(weeks=1)
WEEKS, A_WEEK = 30, 12
BEGAN = instant(T0)
HOUR = BEGAN.replace(minute=0, second=0, microsecond=0)
LAST_EXECUTED = "SELECT id, last_executed FROM processes ORDER BY name, id LIMIT 5"
STATUSES = ("running", "completed", "completed", "failed", "completed", "timeout")
_FILL = """
    INSERT INTO process_instances (id, definition_id, definition_version, status, business_key, variables, steps,
        last_seq, started_at, updated_at, completed_at)
    VALUES ($1, $2, 1, $3, $4, $5, 0, 1, $6, $6, $7)
"""


@pytest.fixture
async def filled(world: World) -> World:
    """A dozen instances in each of thirty weeks, each of which is a chunk; they end after an hour."""
    rows = []
    for number in range(WEEKS * A_WEEK):
        started_ms = T0 + number // A_WEEK * WEEK_MS + number % A_WEEK * 1000
        status = STATUSES[number % len(STATUSES)]
        variables = msgspec.json.encode({"pump": {"id": number % 5, "tags": ["a", str(number)]}, "n": number}).decode()
        ended = None if status == "running" else instant(started_ms + 3_600_000)
        id_ = instance_id(started_ms, 0, str(number))
        rows.append((id_, f"d{number % 2}", status, f"key-{number % 7}", variables, instant(started_ms), ended))
    await world.connection.executemany(_FILL, rows)
    for migration, table in (("012_process_rollups", "process_rollups"), ("022_process_totals", "process_totals")):
        text = (DIRECTORY / f"{migration}.sql").read_text()  # counts what is there
        counts = text.partition(f"INSERT INTO {table}")[2].partition(";")[0]
        await world.connection.execute(f"INSERT INTO {table} {counts}")
    await world.connection.execute("ANALYZE process_instances")
    return world


async def chunks(world: World, query: str, values: list[Any]) -> int:
    """Of how many chunks the statement read anything."""
    nodes = nodes_of(await planned(world.connection, query, values))
    return len(
        {one["Relation Name"] for one in nodes if one.get("Actual Loops") and "hyper" in one.get("Relation Name", "")}
    )


PUMP_3 = (Variable(("pump", "id"), ("3", '"3"')),)
LISTS: list[tuple[InstanceFilter, int]] = [
    (InstanceFilter(), 1),
    (InstanceFilter(definition_id="d1"), 2),
    (InstanceFilter(status=("failed",)), 3),
    (InstanceFilter(status=("failed", "running")), 3 * 2),
    (InstanceFilter(definition_id="d1", status=("failed",)), 3),
    (InstanceFilter(started_from=BEGAN + 5 * WEEK, started_to=BEGAN + 7 * WEEK, version=2), 3),
    (InstanceFilter(started_from=BEGAN + 5 * WEEK, started_to=BEGAN + 7 * WEEK, key="key-8"), 3),
    (InstanceFilter(started_from=BEGAN + 26 * WEEK, variables=PUMP_3, definition_id="nobody"), 5),
    (InstanceFilter(started_from=BEGAN, ended_to=BEGAN + 3 * WEEK, ended_from=BEGAN, key="nobody"), 5),
]
"""What is asked for, and how many chunks may be read for the first five."""


@pytest.mark.parametrize("wanted", [one for one, _ in LISTS], ids=lambda one: str(msgspec.to_builtins(one)))
async def test_a_list_reads_the_chunks_it_needs(filled: World, wanted: InstanceFilter) -> None:
    most = next(most for one, most in LISTS if one is wanted)
    assert 1 <= await chunks(filled, *statement(wanted, None, 5)) <= most
    middle = instance_id(T0 + 15 * WEEK_MS + 5_000, 0, "x")
    assert await chunks(filled, *statement(wanted, middle, 5)) <= most, "a later page costs no more"
    if wanted.started_from is not None:
        assert await chunks(filled, *count_statement(wanted, 10_000)) <= most
    assert await chunks(filled, *count_statement(wanted, 2)) <= most + 1, "counting stops"


async def test_the_failed_ones_of_a_process_are_not_looked_for_among_others(world: World) -> None:
    await world.connection.execute(
        """
        INSERT INTO process_instances (id, definition_id, definition_version, status, last_seq, started_at, updated_at)
        SELECT gen_random_uuid(), 'd' || n % 2, 1,
               CASE WHEN n % 2 = 1 OR n % 5000 = 0 THEN 'failed' ELSE 'completed' END, 1,
               $1::timestamptz + n * interval '1 second', $1
        FROM generate_series(1, 20000) AS n
        """,
        BEGAN,
    )
    await world.connection.execute("ANALYZE process_instances")
    few = InstanceFilter(definition_id="d0", status=("failed",))
    assert len(await list_instances(world.connection, few)) == 4
    for wanted in (few, InstanceFilter(definition_id="d0", status=("failed", "running"))):
        plan = await planned(world.connection, *statement(wanted, None, 50))
        assert looked_past(plan) == 0, plan


async def test_pages_are_the_list_in_one_order(filled: World) -> None:
    wanted = InstanceFilter(status=("failed", "timeout", "failed"), key="key-3")
    whole = await list_instances(filled.connection, wanted, limit=1_000)
    assert {one.status for one in whole} == {"failed", "timeout"}
    pages: list[Any] = []
    while page := await list_instances(filled.connection, wanted, limit=3, before=str(pages[-1].id) if pages else None):
        pages += page
    assert pages == whole == sorted(whole, key=lambda one: (one.started_at, one.id.bytes), reverse=True)
    assert (await instance_count(filled.connection, wanted)).total == len(whole) > 3


async def test_filters_find_what_they_name(filled: World) -> None:
    async def count(**conditions: Any) -> int:
        found = await list_instances(filled.connection, InstanceFilter(**conditions), limit=1_000)
        total = await instance_count(filled.connection, InstanceFilter(**conditions))
        assert (total.total, total.is_estimate) == (len(found), False)
        return len(found)

    everything = WEEKS * A_WEEK
    assert await count() == everything
    assert await count(definition_id="d0") == everything // 2
    assert await count(version=2) == 0
    assert await count(variables=PUMP_3) == everything // 5
    assert await count(variables=(*PUMP_3, Variable(("pump", "tags", "1"), ("13", '"13"')))) == 1
    assert await count(variables=(Variable(("n",), ("7.0",)),)) == 1, "numbers are equal as numbers"
    assert await count(variables=(Variable(("pump", "none"), ("1",)),)) == 0
    assert await count(started_from=BEGAN + WEEK, started_to=BEGAN + 2 * WEEK) == A_WEEK
    assert await count(ended_from=BEGAN + WEEK, ended_to=BEGAN + 2 * WEEK) == A_WEEK * 5 // 6
    capped = await instance_count(filled.connection, InstanceFilter(status=("failed",), variables=PUMP_3), cap=9)
    assert (capped.total, capped.is_estimate) == (9, True)


COUNTED = (
    InstanceFilter(),
    InstanceFilter(status=("completed", "failed", "completed"), definition_id="d1"),
    InstanceFilter(version=2),
    InstanceFilter(definition_id="d0", started_from=HOUR + WEEK, started_to=HOUR + 2 * WEEK),
)


@pytest.mark.parametrize("wanted", COUNTED, ids=lambda one: str(msgspec.to_builtins(one)))
async def test_what_the_projector_counts_is_exact(filled: World, wanted: InstanceFilter) -> None:
    found = await list_instances(filled.connection, wanted, limit=1_000)
    asked = counted(wanted)
    assert asked is not None
    assert await filled.connection.fetchval(asked[0], *asked[1]) == len(found)
    total = await instance_count(filled.connection, wanted, cap=9)
    assert (total.total, total.is_estimate) == (len(found), False)


@pytest.mark.parametrize(
    "wanted",
    [
        InstanceFilter(key="k"), InstanceFilter(reference="r"), InstanceFilter(variables=PUMP_3),
        InstanceFilter(ended_to=HOUR), InstanceFilter(started_from=HOUR + timedelta(minutes=30)),
    ],
)  # fmt: skip
def test_what_the_projector_does_not_count_by_is_counted_up_to_a_limit(wanted: InstanceFilter) -> None:
    assert counted(wanted) is None


async def test_executions_are_read_from_the_chunks_of_their_page(filled: World) -> None:
    for asked, most in (((None, None), 1), (("d1", None), 2), (("d1", "failed"), 4)):
        assert 1 <= await chunks(filled, *execution_statement(*asked, 5, 0)) <= most, asked
        found, total = await queries.executions(filled.connection, process_id=asked[0], status=asked[1], limit=1_000)
        assert (total, len(found)) == (len(found), total)
        rest, _ = await queries.executions(filled.connection, process_id=asked[0], status=asked[1], offset=total - 2)
        assert rest == found[-2:]


async def test_why_instances_failed_is_read_in_the_chunks_of_the_time(filled: World) -> None:
    asked = ["d1", BEGAN + 5 * WEEK, BEGAN + 7 * WEEK, 20]
    assert 1 <= await chunks(filled, REASONS_QUERY, asked) <= 3


async def test_when_a_process_was_last_executed_is_read_in_that_hour(filled: World) -> None:
    definition = (
        "INSERT INTO process_definitions (id, version, name, definition, hash, created_at) VALUES"
        " ($1, 1, $1, '{}', 'h', now())"
    )
    await filled.connection.executemany(definition, [("d0",), ("d1",), ("never",)])
    await filled.connection.execute(
        "DELETE FROM process_instances WHERE definition_id = 'd0' AND started_at > $1", BEGAN
    )
    await filled.connection.execute("DELETE FROM process_rollups WHERE definition_id = 'd0' AND hour > $1", BEGAN)
    assert await chunks(filled, LAST_EXECUTED, []) == 2
    last = {row["id"]: row["last_executed"] for row in await filled.rows(LAST_EXECUTED)}
    newest = await filled.connection.fetchval("SELECT max(started_at) FROM process_instances")
    assert last == {"d0": BEGAN, "d1": newest, "never": None}


SHORT = "a reference of fewer than three characters"


@pytest.mark.parametrize(
    ("wanted", "needs"),
    [
        (InstanceFilter(variables=PUMP_3), "variable"),
        (InstanceFilter(variables=PUMP_3, started_to=BEGAN), "variable"),
        (InstanceFilter(ended_from=BEGAN), "ended_from"),
        (InstanceFilter(ended_to=BEGAN), "ended_to"),
        (InstanceFilter(variables=PUMP_3, ended_to=BEGAN, started_from=BEGAN), None),
        (InstanceFilter(key="k"), None),
        (InstanceFilter(reference="47"), SHORT),
        (InstanceFilter(reference="p-"), SHORT),
        (InstanceFilter(reference="///"), SHORT),
        (InstanceFilter(reference="47", key="k"), None),
        (InstanceFilter(reference="47", started_from=BEGAN), None),
        (InstanceFilter(reference="p-4"), None),
        (InstanceFilter(reference="Wär"), None),
    ],
)
def test_what_no_index_has_needs_a_start(wanted: InstanceFilter, needs: str | None) -> None:
    assert wanted.needs_start() == needs


async def test_the_audit_log_is_read_from_the_weeks_of_its_page(world: World) -> None:
    writes = [
        (
            BEGAN + week * WEEK + timedelta(seconds=number),
            "process-audit",
            0,
            week * 5 + number,
            f"u{number % 2}",
            "api_key",
        )
        for week, number in itertools.product(range(20), range(5))
    ]
    insert = (
        "INSERT INTO audit_log (time, topic, record_partition, record_offset, id, principal, kind, method, request_id,"
        " status) VALUES ($1, $2, $3, $4, 'w', $5, $6, 'POST', 'r', 202)"
    )
    await world.connection.executemany(insert, writes)
    await world.connection.execute("ANALYZE audit_log")
    place = queries.AuditPlace(BEGAN + 10 * WEEK + timedelta(seconds=2), 0, 52)
    for wanted in (queries.AuditFilter(), queries.AuditFilter(principal="u0")):
        assert 1 <= await chunks(world, *audit_statement(wanted, None, 2)) <= 2
        assert 1 <= await chunks(world, *audit_statement(wanted, place, 2)) <= 3
    of_a_week = queries.AuditFilter(target="nobody", since=BEGAN + 3 * WEEK, until=BEGAN + 4 * WEEK)
    assert 1 <= await chunks(world, *audit_statement(of_a_week, None, 50)) <= 2


async def test_history_is_read_in_the_days_of_its_instance(world: World) -> None:
    ids = [instance_id(T0 + day * 86_400_000, 0, str(day)) for day in range(20)]
    rows = [
        (id_, seq, instant(T0 + day * 86_400_000 + seq), "started" if seq == 1 else "variable_changed")
        for (day, id_), seq in itertools.product(enumerate(ids), (1, 2, 3))
    ]
    insert = (
        "INSERT INTO process_history (instance_id, seq, timestamp, event_type, definition_id, definition_version,"
        " cause) VALUES ($1, $2, $3, $4, 'd', 1, '0:0')"
    )
    await world.connection.executemany(insert, rows)
    until = instant(T0 + 4 * 86_400_000 + 3)
    found = await queries.history(world.connection, ids[4], until=until, types=["variable_changed"])
    assert [one.seq for one in found] == [2, 3]
    began = instant(T0 + 4 * 86_400_000)
    values = [ids[4], began, 0, 10, until, None, "%changed%", True]
    assert await chunks(world, HISTORY_QUERY, values) == 1
    steps = await chunks(world, STEPS_QUERY, [ids[4], began, until, 10])
    assert steps <= 1
    # When an activity began that ends in a batch: asked for by the projector.
    asked = [[ids[4], ids[6]], [3, 3], [began, instant(T0 + 6 * 86_400_000)], [until, until + timedelta(days=2)]]
    places = [["a", "a"], [None, None], [1, 1]]
    assert (
        await chunks(world, SINCE_QUERY, [*asked, *places, began, until + timedelta(days=2), ["activity_started"]]) <= 3
    )


@pytest.mark.parametrize("text", ["47", "p-", "///", "ä", "p-4", "ab-", "Wär", "4711", "a 1", "_a", "a_", "a__"])
async def test_whether_the_index_finds_a_reference(world: World, text: str) -> None:
    """Where it finds nothing to look for it would give all rows, each to be looked at."""
    assert (InstanceFilter(reference=text).needs_start() is None) == await _is_indexed(world, text)


async def _is_indexed(world: World, text: str) -> bool:
    """By what the index gives of a table of references that do not have ``text``."""
    connection = world.connection
    await connection.execute("CREATE TEMP TABLE named (reference text)")
    await connection.execute("INSERT INTO named SELECT 'ZZZ' FROM generate_series(1, 100)")
    await connection.execute("CREATE INDEX ON named USING gin (reference gin_trgm_ops)")
    await connection.execute("SET enable_seqscan = off")
    pattern = text.replace("_", r"\_")
    found = await connection.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT FROM named WHERE reference ILIKE '%{pattern}%'"
    )
    await connection.execute("DROP TABLE named")
    await connection.execute("SET enable_seqscan = on")
    plan = msgspec.json.decode(found)[0]["Plan"]
    assert plan["Node Type"] == "Bitmap Heap Scan"
    return plan["Plans"][0]["Actual Rows"] == 0
