"""``tasks`` says after every batch what ``weir verify`` makes of the same events, and answers what people ask of it."""

from pathlib import Path
from typing import Any

import pytest

from projections import queries
from projections.memory_database import MemoryDatabase
from projections.queries.tasks import statement
from projections.tables.tasks import HANDLERS, build, write
from streams.codec import decode_event
from streams.core.durations import instant
from streams.core.events import EVENT_TYPES, Event
from tests.projections.conftest import World
from tests.projections.plans import looked_past, nodes_of, planned
from tests.projections.story import EVENTS, batch, numbered
from tests.projections.test_memory_database import items
from weir.api.auth import Principal
from weir.api.routes.task_access import is_theirs
from weir.verify.tasks import QUERY, TaskRow, follow, id_of, is_of_task, task_row

VALUES = (Path(__file__).parents[1] / "golden" / "tasks.v1.jsonl").read_bytes().splitlines()
LOG = [decode_event(value) for value in VALUES]


def folded(events: list[Event]) -> dict[str, TaskRow]:
    rows: dict[str, TaskRow] = {}
    for event in events:
        if is_of_task(event):
            rows[id_of(event)] = follow(rows.get(id_of(event)), event)
    return rows


def test_every_event_of_a_task_changes_its_row() -> None:
    assert set(HANDLERS) == {name for name in EVENT_TYPES if name.startswith("task_")}
    assert all(is_of_task(event) == (event.type in HANDLERS) for event in LOG)
    assert {event.type for event in LOG} >= set(HANDLERS), "the history has them all"


@pytest.mark.parametrize("batches_of", [1, 4, 1000])
async def test_rows_agree_with_the_fold_after_every_batch(world: World, batches_of: int) -> None:
    await world.begin(EVENTS)
    records = numbered(VALUES)
    for first in range(0, len(records), batches_of):
        await world.projector.project(batch(EVENTS, records[first : first + batches_of]))
        plain = await world.connection.fetch(QUERY)
        rows = {row["id"]: task_row(row) for row in plain}
        assert rows == folded(LOG[: first + batches_of])


@pytest.mark.parametrize("batches_of", [1, 3])
async def test_the_simulated_table_holds_the_same(batches_of: int) -> None:
    database = MemoryDatabase()
    connection: Any = await database.connect()
    records = numbered(VALUES)
    for first in range(0, len(records), batches_of):
        await write(connection, build(items(batch(EVENTS, records[first : first + batches_of]))))
    rows = {row["id"]: task_row(row) for row in database.tables.tasks.values()}
    assert rows == folded(LOG)


async def test_people_find_what_is_theirs(world: World) -> None:
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    rows = folded(LOG)

    async def found(limit: int = 50, **conditions: Any) -> list[str]:
        wanted = queries.TaskFilter(**conditions)
        return [one.id for one in await queries.tasks(world.connection, wanted, limit=limit)]

    still_open = {id_ for id_, row in rows.items() if row.status in {"created", "claimed"}}
    assert set(await found()) == still_open
    assert set(await found(status="all")) == set(rows)
    [approve] = [id_ for id_ in still_open if rows[id_].approvers]
    [delegated] = [id_ for id_ in still_open if rows[id_].owner is not None]
    [annas] = [id_ for id_ in still_open if rows[id_].assignee == "anna"]
    assert await found(user="cyd") == [approve], "who has not answered yet"
    assert await found(user="bob") == [], "who has answered already"
    assert await found(user="carl") == [delegated]
    assert await found(user="ben") == [], "what somebody else has is not his"
    assert await found(user="anna") == [annas]
    assert set(await found(queue="repairs")) == {annas, delegated}
    assert set(await found(definition_id="budget")) == {approve}
    assert await found(instance_id=rows[approve].instance_id) == [approve]
    assert len(await found(limit=2)) == 2
    for wanted in (queries.TaskFilter(status="open"), queries.TaskFilter(status="all")):
        everything = await queries.tasks(world.connection, wanted)
        for at, one in enumerate(everything):
            behind = await queries.tasks(world.connection, wanted, after=queries.TaskPlace.of(one), limit=2)
            assert behind == everything[at + 1 : at + 3]
    task = await queries.task(world.connection, annas)
    assert task is not None
    assert (task.form, task.outcomes, task.answers) == (rows[annas].form, ["repaired", "replaced"], None)
    assert await queries.task(world.connection, "nobody:1") is None


async def test_what_is_over_is_found_by_who_had_to_do_it(world: World) -> None:
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    await world.connection.execute("UPDATE tasks SET status = 'completed', completed_by = assignee")
    rows = {one.id: one for one in await queries.tasks(world.connection, queries.TaskFilter(status="all"))}
    unclaimed = next(id_ for id_, row in rows.items() if row.assignee is None and not row.approvers)
    await world.connection.execute("UPDATE tasks SET completed_by = 'eva' WHERE id = $1", unclaimed)
    approved = {id_ for id_, row in rows.items() if "bob" in row.approvers}
    assert approved
    for user, expected in (
        ("anna", {id_ for id_, row in rows.items() if row.assignee == "anna" or "anna" in row.approvers}),
        ("eva", {unclaimed} | {id_ for id_, row in rows.items() if row.assignee == "eva" or "eva" in row.approvers}),
        ("bob", approved | {id_ for id_, row in rows.items() if row.assignee == "bob"}),
        ("nobody", set()),
    ):
        for wanted in (queries.TaskFilter(status="completed", user=user), queries.TaskFilter(status="all", user=user)):
            found = await queries.tasks(world.connection, wanted)
            assert {one.id for one in found} == expected, wanted
            assert len(found) == len(expected), "each once"
            for at, one in enumerate(found):
                behind = await queries.tasks(world.connection, wanted, after=queries.TaskPlace.of(one), limit=2)
                assert behind == found[at + 1 : at + 3]
        assert await queries.tasks(world.connection, queries.TaskFilter(status="cancelled", user=user)) == []


async def test_what_somebody_has_done_is_not_looked_for_among_others(world: World) -> None:
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    await world.connection.execute(
        """
        CREATE TEMP TABLE one AS SELECT * FROM tasks LIMIT 1;
        INSERT INTO tasks SELECT r.* FROM one, generate_series(1, 20000) AS n, LATERAL (
            SELECT (jsonb_populate_record(one, jsonb_build_object('id', one.instance_id || ':' || (1000 + n),
                    'status', 'completed', 'votes', '{}'::jsonb,
                    'assignee', CASE WHEN n % 4 > 1 THEN 'user-' || n % 999 END, 'completed_by', 'user-' || n % 999,
                    'approvers', CASE WHEN n % 4 = 1 THEN ARRAY['user-' || n % 999, 'boss'] ELSE ARRAY[]::text[] END,
                    'created_at', one.created_at + n * interval '1 min'))).*
        ) AS r;
        ANALYZE tasks;
        """
    )
    wanted = queries.TaskFilter(status="completed", user="user-7")
    found = await queries.tasks(world.connection, wanted, limit=1_000)
    assert len(found) == 21
    for place in (None, queries.TaskPlace.of(found[4])):
        plan = await planned(world.connection, *statement(wanted, place, 5))
        assert looked_past(plan) <= 20, plan
        assert "Seq Scan" not in {one["Node Type"] for one in nodes_of(plan)}
    few = await planned(world.connection, *statement(queries.TaskFilter(status="cancelled"), None, 50))
    assert looked_past(few) == 0, few


async def test_candidates_and_groups_find_what_nobody_has(world: World) -> None:
    first = next(at for at, event in enumerate(LOG) if event.type == "task_created")
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES[: first + 1])))
    [id_] = folded(LOG[: first + 1])
    for user, groups, expected in (
        ("anna", (), [id_]),
        ("eva", (), []),
        ("eva", ("day", "night"), [id_]),
        ("eva", ("day",), []),
    ):
        found = await queries.tasks(world.connection, queries.TaskFilter(user=user, groups=groups))
        assert [one.id for one in found] == expected
    await world.connection.execute("UPDATE tasks SET candidate_users = '{}', candidate_groups = '{}'")
    assert [one.id for one in await queries.tasks(world.connection, queries.TaskFilter(user="anybody"))] == [id_]


async def test_the_most_urgent_comes_first_and_what_cannot_be_done_not_at_all(world: World) -> None:
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    urgent = [(one.priority, one.due) for one in await queries.tasks(world.connection)]
    assert urgent == sorted(urgent, key=lambda one: (-one[0], one[1] or instant(2**42)))
    await world.connection.execute("UPDATE process_instances SET status = 'failed' WHERE definition_id = 'repair'")
    assert [one.definition_id for one in await queries.tasks(world.connection)] == ["budget"]


async def test_a_page_of_the_most_urgent_is_read_from_the_index(world: World) -> None:
    """However many tasks there are, and wherever it begins."""
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    await world.connection.execute(
        """
        CREATE TEMP TABLE one AS SELECT * FROM tasks WHERE status = 'created' LIMIT 1;
        INSERT INTO tasks SELECT r.* FROM one, generate_series(1, 20000) AS n, LATERAL (
            SELECT (jsonb_populate_record(one, jsonb_build_object('id', one.instance_id || ':' || (1000 + n),
                    'priority', n % 100, 'due', CASE WHEN n % 3 = 0 THEN one.created_at + n * interval '1 min' END))).*
        ) AS r;
        ANALYZE tasks;
        """
    )
    first = await queries.tasks(world.connection, limit=5_000)
    query, values = statement(queries.TaskFilter(), queries.TaskPlace.of(first[-1]), 50)
    [row] = await world.connection.fetchrow(f"EXPLAIN (FORMAT JSON) {query}", *values)
    assert "tasks_urgency" in row
    assert '"Sort"' not in row


async def test_whose_tasks_an_instance_shows_is_what_the_gateway_lets_one_see(world: World) -> None:
    """The rule in SQL, and the one of GET /tasks/{id}."""
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    everything = await queries.tasks(world.connection, queries.TaskFilter(status="all"))
    instances = list({one.instance_id for one in everything})
    await world.connection.execute("UPDATE tasks SET candidate_users = '{}', candidate_groups = '{}' WHERE id = $1",
        everything[0].id)  # fmt: skip
    everything = await queries.tasks(world.connection, queries.TaskFilter(status="all"))
    seen = set()
    for name in ("anna", "ben", "boss", "carl", "otto", "ann", "bob", "cyd", "stranger"):
        for groups in ((), ("night",), ("day", "chiefs")):
            who = Principal(id=name, name=name, kind="user", groups=frozenset(groups))
            theirs = {one.id for one in everything if is_theirs(who, one)}
            found = await queries.tasks_of(world.connection, instances, 100, name, groups)
            assert {one.id for of_one in found.values() for one in of_one} == theirs, (name, groups)
            seen.add(frozenset(theirs))
    assert len(seen) > 4
    assert sum(map(len, (await queries.tasks_of(world.connection, instances, 100)).values())) == len(everything)
