import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import orjson
import pytest

from projections import queries
from projections.instance_filter import InstanceFilter
from streams.core.durations import instant
from streams.core.ids import instance_id
from tests.projections.conftest import World
from tests.projections.story import DEFINITIONS, EVENTS, T0, TELEMETRY, Story, batch, cooling, numbered

WEEK_MS = 7 * 86_400_000


async def fill(world: World, *stories: Story) -> None:
    await world.begin()
    values = [value for story in stories for value in story.values]
    await world.projector.project(batch(EVENTS, numbered(values)))


def failing(cause: str, started_ms: int = T0) -> Story:
    story = (
        Story(cause, started_ms=started_ms, definition_id="other")
        .tell("started", key="hp-1", variables={})
        .enter("work")
    )
    return story.tell("failed", "work", error_type="http", error="503")


async def test_instances_by_any_condition(world: World) -> None:
    first, second, third = cooling("a"), cooling("b", started_ms=T0 + 1, device="hp-2"), failing("c", T0 + WEEK_MS)
    await fill(world, first, second, third)

    async def ids(**conditions: Any) -> list[str]:
        return [str(found.id) for found in await queries.instances(world.connection, InstanceFilter(**conditions))]

    assert await ids() == [third.id, second.id, first.id]
    assert await ids(status=("completed",)) == [second.id, first.id]
    assert await ids(definition_id="other") == [third.id]
    assert await ids(key="hp-1") == [third.id, first.id]
    assert await ids(key="hp-1", status=("completed",), definition_id="temperature-control") == [first.id]
    assert await ids(started_from=instant(T0 + 1)) == [third.id, second.id]
    assert await ids(reference="pump HP-") == [second.id, first.id]
    assert await ids(reference="p-2", status=("completed",)) == [second.id]
    assert await ids(reference="hp_1") == await ids(reference="%") == await ids(reference="hp-3") == []
    assert await ids(status=("running",)) == []
    [found] = await queries.instances(world.connection, limit=1)
    assert (found.status, found.error, found.current_activity) == ("failed", "http: 503", "work")


async def test_a_part_of_a_reference_is_found_by_its_index(world: World) -> None:
    def named(text: str) -> Story:
        return Story(text).tell("started", variables={}, reference=text)

    await fill(world, named("50 % of 2_3"), named("500 of 203"), named(r"a\b"))
    for text, found in {"0 %": "50 % of 2_3", "2_": "50 % of 2_3", "\\": r"a\b", "500 OF": "500 of 203"}.items():
        there = await queries.instances(world.connection, InstanceFilter(reference=text))
        assert [one.reference for one in there] == [found]
    async with world.connection.transaction():
        await world.connection.execute("SET LOCAL enable_seqscan TO off")
        plan = await world.rows("EXPLAIN SELECT * FROM process_instances WHERE reference ILIKE '%4711%'")
    assert "process_instances_reference" in str(plan)


async def test_pages_hold_every_instance_once_while_new_ones_start(world: World) -> None:
    stories = [Story(f"c{n}", started_ms=T0 + (n // 3) * WEEK_MS // 2).tell("started", variables={}) for n in range(20)]
    await fill(world, *stories)
    pages: list[str] = []
    while page := await queries.instances(world.connection, limit=6, before=pages[-1] if pages else None):
        pages += [str(found.id) for found in page]
        if len(pages) == 6:
            late = Story("late", started_ms=T0 + 99 * WEEK_MS).tell("started", variables={})
            await world.projector.project(batch(EVENTS, numbered(late.values, first=20)))
    assert pages == sorted((story.id for story in stories), reverse=True)


async def test_an_instance(world: World, database_url: str) -> None:
    story = cooling("a")
    await fill(world, story, cooling("b"))
    plain = await asyncpg.connect(database_url)  # without the tests' own codec for jsonb
    try:
        found = await queries.instance(plain, story.id.upper())
        assert found is not None
        assert (str(found.id), found.status, found.completed_at) == (story.id, "completed", instant(T0 + 3500))
        assert found.variables == {"device_id": "hp-1", "temperature": 88.25, "threshold": 90.0}
        assert b'"variables":{"device_id"' in msgspec.json.encode(found)
        assert await queries.instance(plain, instance_id(T0, 0, "nobody")) is None
        with pytest.raises(ValueError, match="Expected a UUID as instance id"):
            await queries.instance(plain, "x")
    finally:
        await plain.close()


async def test_an_instance_is_looked_up_in_one_chunk(world: World) -> None:
    stories = [cooling(f"c{n}", started_ms=T0 + n * WEEK_MS) for n in range(5)]
    await fill(world, *stories)
    plan = await world.rows(
        "EXPLAIN SELECT * FROM process_instances WHERE id = $1 AND started_at = $2",
        stories[3].id,
        instant(T0 + 3 * WEEK_MS),
    )
    assert str(plan).count("_hyper_") == 2  # the chunk and its index


async def test_history(world: World) -> None:
    story, other = cooling("a"), cooling("b")
    await fill(world, story, other)
    events = await queries.history(world.connection, story.id)
    assert [event.seq for event in events] == list(range(1, 16))
    assert [event.event_type for event in events] == [event.type for event in story.events]
    assert events[11].data == {"name": "temperature", "value": 88.25, "previous": 91.5}
    assert events[13].message == "done"
    assert [event.seq for event in await queries.history(world.connection, story.id, after_seq=9, limit=3)] == [
        10,
        11,
        12,
    ]
    assert await queries.history(world.connection, story.id, after_seq=15) == []


@pytest.mark.parametrize("exact", [True, False])
async def test_counts(world: World, exact: bool) -> None:
    await fill(world, cooling("a"), cooling("b"), failing("c"))
    reading = orjson.dumps({"fields": {"t": 1}})
    await world.projector.project(batch(TELEMETRY, numbered([reading] * 4)))
    await world.connection.execute("ANALYZE")
    found = await queries.counts(world.connection, exact=exact)
    assert [(one.definition_id, one.status, one.count) for one in found.instances] == [
        ("other", "failed", 1),
        ("temperature-control", "completed", 2),
    ]
    assert (found.history_rows, found.telemetry_rows) == (33, 4)


async def test_how_things_stand(world: World) -> None:
    await fill(world, cooling("a"), cooling("b"), failing("c"))
    found = await queries.standing(world.connection)
    assert {labels: count for labels, count in found.instances.items() if count} == {
        ("other", "failed"): 1,
        ("temperature-control", "completed"): 2,
    }
    assert found.instances["other", "running"] == 0, "a graph falls to zero"
    assert found.incidents == {"other": 1}
    assert found.tasks == {}


async def test_what_belongs_to_many_instances_is_looked_for_in_the_chunks_of_their_time(world: World) -> None:
    stories = [cooling(str(week), started_ms=T0 + week * WEEK_MS) for week in range(4)]
    await fill(world, *stories)
    chunks = await world.rows("SELECT show_chunks('process_history')::text AS chunk")
    assert len(chunks) >= 4
    plans: list[str] = []
    fetch = world.connection.fetch

    async def explained(query: str, *args: Any) -> list[asyncpg.Record]:
        plans.extend(row[0] for row in await fetch(f"EXPLAIN (ANALYZE) {query}", *args))
        return await fetch(query, *args)

    asking: Any = SimpleNamespace(fetch=explained)
    asked = [UUID(story.id) for story in stories[:2]]
    found = await queries.instances_of(asking, asked)
    assert {id_: one.variables["temperature"] for id_, one in found.items()} == dict.fromkeys(asked, 88.25)
    until = {id_: one.updated_at for id_, one in found.items()}
    told = await queries.histories_of(asking, until, after_seq=12, limit=2, types=None)
    assert {id_: [one.seq for one in events] for id_, events in told.items()} == {id_: [13, 14] for id_ in asked}
    touched = {chunk for plan in plans for chunk in re.findall(r"_hyper_\d+_\d+_chunk", plan)}
    assert 2 <= len(touched) <= 4, "two of instances, two of their history"


async def test_what_the_database_takes(world: World) -> None:
    await fill(world, cooling("a"))
    found = await queries.storage(world.connection)
    tables = {table.name: table for table in found.tables}
    assert tables["process_history"].chunks == 1
    assert tables["process_history"].total_bytes > tables["process_history"].index_bytes > 0
    assert (tables["process_rollups"].chunks, tables["process_rollups"].total_bytes > 0) == (0, True)
    assert found.total_size_bytes > sum(table.total_bytes for table in found.tables)
    assert [table.total_bytes for table in found.tables] == sorted((t.total_bytes for t in found.tables), reverse=True)


async def test_what_takes_the_databases_time(world: World) -> None:
    await fill(world, cooling("a"))
    for _ in range(3):
        await world.connection.fetch("SELECT count(*) AS of_this_test FROM process_history WHERE seq > 1")
    found = await queries.slow_queries(world.connection, 1_000)
    assert found is not None
    (ours,) = [one for one in found if "of_this_test" in one.query]
    assert (ours.calls, ours.rows, "seq > $1" in ours.query) == (3, 3, True)
    assert ours.total_duration_ms >= ours.avg_duration_ms > 0
    assert [one.total_duration_ms for one in found] == sorted((o.total_duration_ms for o in found), reverse=True)
    assert len(await queries.slow_queries(world.connection, 2) or ()) == 2
    await world.connection.execute("SET search_path = timescaledb_information")
    assert await queries.slow_queries(world.connection) is None, "where the extension is not"


async def test_definitions(world: World) -> None:
    await world.begin()

    def deployed(id_: str, version: int) -> bytes:
        at = instant(T0) + timedelta(hours=version)
        content = {"id": id_, "version": version, "name": f"{id_} {version}"}
        return orjson.dumps({"v": 1, "hash": "h", "definition": content, "deployed_at": at, **content})

    values = [deployed("b", 1), deployed("a", 1), deployed("a", 2)]
    await world.projector.project(batch(DEFINITIONS, numbered(values)))
    found = await queries.definitions(world.connection)
    assert [(one.id, one.version, one.name) for one in found] == [("a", 2, "a 2"), ("a", 1, "a 1"), ("b", 1, "b 1")]

    async def name(*asked: Any) -> str | None:
        one = await queries.definition(world.connection, *asked)
        return None if one is None else str(one.definition["name"])

    assert [await name("a"), await name("a", 1), await name("a", 3), await name("c")] == ["a 2", "a 1", None, None]

    def active() -> list[tuple[str, int]]:
        return [(one.id, one.version) for one in found if one.active]

    assert active() == [("a", 2), ("b", 1)]
    told = {"v": 2, "kind": "activation", "changed_at": instant(T0)}
    values = [
        orjson.dumps({**told, "id": "a", "active": 1, "retired": [2]}),
        orjson.dumps({**told, "id": "b", "active": None, "off": {"reason": "winter"}}),
    ]
    await world.projector.project(batch(DEFINITIONS, numbered(values, first=3)))
    found = await queries.definitions(world.connection)
    assert active() == [("a", 1)]
    assert [(one.id, one.version, one.off, one.reason, one.retired) for one in found] == [
        ("a", 2, False, None, True),
        ("a", 1, False, None, False),
        ("b", 1, True, "winter", False),
    ]
    assert [await name("a"), await name("b")] == ["a 1", "b 1"]


async def test_where_instances_wait(world: World) -> None:
    await fill(world, cooling("a"))
    [row] = await world.rows("UPDATE process_instances SET status = 'running', current_activity = 'nap' RETURNING *")
    asked = (row["definition_id"], row["definition_version"])
    assert await queries.waiting(world.connection, *asked) == {"nap": 1}
    assert await queries.waiting(world.connection, asked[0], asked[1] + 1) == {}


def test_every_question_is_exported() -> None:
    questions: list[Callable[..., Any]] = [getattr(queries, name) for name in queries.__all__ if name.islower()]
    files = {path.stem for path in Path(queries.__file__).parent.glob("*.py")} - {"__init__"}
    assert {question.__module__.rpartition(".")[2] for question in questions} == files
