"""The views for people: what the station's people know of processes, their executions and steps."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import orjson

from projections import queries
from streams.codec import encode_json
from streams.core.commands import Origin
from streams.core.durations import instant
from streams.deployed import DeployedVersion
from tests.projections.conftest import World
from tests.projections.story import DEFINITIONS, EVENTS, T0, TELEMETRY, Story, batch, cooling, numbered

HOUR_MS = 3_600_000
README = (Path(__file__).parents[2] / "README.md").read_text()
EXAMPLES = [one for block in re.findall(r"```sql\n(.*?)```", README, re.DOTALL) for one in block.split(";\n") if one]


def deployed(version: int) -> bytes:
    kinds = {"start": "start", "check_temp": "decision", "cool": "service", "wait": "timer", "end": "end"}
    activities = [{"id": name, "type": kind} for name, kind in kinds.items()]
    return encode_json(
        DeployedVersion(
            v=1,
            id="temperature-control",
            version=version,
            name="Cooling",
            definition=msgspec.Raw(encode_json({"description": "Cools.", "activities": activities})),
            hash="ab",
            deployed_at=instant(T0 + version * 1000),
            origin=Origin(by="anna" if version == 1 else "ben", template="threshold-alarm"),
        )
    )


async def test_processes_executions_and_steps(world: World) -> None:
    failed = Story("broken", started_ms=T0 + HOUR_MS)
    failed.tell(
        "started", key="hp-2", trigger={"type": "zone_entry"}, variables={"trigger": {"tags": {"user_id": "ann"}}}
    )
    failed.enter("cool").tell("retry_scheduled", "cool", execution=1, attempt=1)
    failed.tell("activity_failed", "cool", execution=1, error_type="mqtt", error="no broker")
    failed.tell("failed", "cool", error_type="mqtt", error="no broker")
    skipping = Story("skips", started_ms=T0 + 2 * HOUR_MS).tell("started", variables={})
    skipping.tell("activity_skipped", "cool", condition="false").enter("wait")
    stories = [cooling("whole"), failed, skipping]
    await world.begin(EVENTS, DEFINITIONS)
    await world.projector.project(batch(DEFINITIONS, numbered([deployed(1), deployed(2)])))
    records = numbered([value for story in stories for value in story.values])
    await world.projector.project(batch(EVENTS, records))

    [process] = await world.rows("SELECT * FROM processes")
    assert (process["id"], process["version"], process["name"], process["is_active"]) == (
        "temperature-control", 2, "Cooling", True,
    )  # fmt: skip
    assert (process["created_by"], process["template_id"]) == ("anna", "threshold-alarm")
    assert (process["created_at"], process["updated_at"]) == (instant(T0 + 1000), instant(T0 + 2000))
    assert (process["execution_count"], process["success_rate"], process["avg_execution_time"]) == (3, 0.5, 3500.0)
    assert process["last_executed"] == instant(T0 + 2 * HOUR_MS)

    [statistics] = await world.rows("SELECT * FROM process_statistics")
    assert [statistics[name] for name in ("running", "completed", "failed", "p50_ms", "p99_ms")] == [
        1,
        1,
        1,
        3500,
        3500,
    ]

    asked = (instant(T0), instant(T0 + 3 * HOUR_MS))
    [reason] = await queries.failure_reasons(world.connection, "temperature-control", *asked)
    assert (reason.error_type, reason.activity_id, reason.count, reason.last_error) == (
        "mqtt", "cool", 1, "mqtt: no broker",
    )  # fmt: skip
    hours = await queries.trends(world.connection, *asked)
    assert [(one.started, one.completed, one.failed) for one in hours] == [(1, 1, 0), (1, 0, 1), (1, 0, 0)]
    [day] = await queries.trends(world.connection, *asked, interval="day", definition_id="temperature-control")
    assert (day.started, day.avg_execution_time) == (3, 3500.0)
    for within_ms, share in ((3499, 0.0), (3500, 0.5)):
        told = await queries.statistics(world.connection, within_ms=within_ms)
        assert (told.execution_count, told.within_sla, told.p95_ms) == (3, share, 3500)
    nothing = await queries.statistics(world.connection, since=instant(T0 + 4 * HOUR_MS), within_ms=1)
    assert (nothing.execution_count, nothing.success_rate, nothing.p50_ms, nothing.within_sla) == (0, None, None, None)

    rows = {row["id"]: row for row in await world.rows("SELECT * FROM process_executions")}
    one, two = rows[UUID(stories[0].id)], rows[UUID(failed.id)]
    assert (one["status"], one["execution_time_ms"], one["steps_completed"], one["total_steps"]) == (
        "completed", 3500, 5, 3,
    )  # fmt: skip
    assert (one["process_id"], one["triggered_by"]) == ("temperature-control", "system")
    assert (two["triggered_by"], two["trigger_event"]) == ("ann", {"type": "zone_entry", "tags": {"user_id": "ann"}})
    assert (two["status"], two["error_message"]) == ("failed", "mqtt: no broker")

    query = "SELECT * FROM process_execution_steps WHERE execution_id = $1 ORDER BY seq"
    steps = await world.rows(query, UUID(stories[0].id))
    assert [(step["action_id"], step["status"], step["execution_time_ms"]) for step in steps] == [
        ("start", "completed", 250), ("check_temp", "completed", 250), ("cool", "completed", 500),
        ("wait", "completed", 500), ("end", "completed", 250),
    ]  # fmt: skip
    [step] = await world.rows(query, UUID(failed.id))
    assert (step["status"], step["error_message"], step["retry_count"]) == ("failed", "no broker", 1)
    assert [(one["action_id"], one["status"]) for one in await world.rows(query, UUID(skipping.id))] == [
        ("cool", "skipped"), ("wait", "running"), ("check_temp", "pending"),
    ]  # fmt: skip


def asking(cause: str, started_ms: int, *events: tuple[str, int], due_ms: int | None = None) -> Story:
    """A task; ``events``: what became of it, and how many ms later."""
    due = None if due_ms is None else instant(started_ms + due_ms)
    story = Story(cause, started_ms=started_ms).tell("started", variables={}).enter("look", "user_task")
    story.now_ms = started_ms
    story.tell("task_created", "look", execution=1, title="Look", priority=50, due=due)
    for type_, later_ms in events:
        story.now_ms = started_ms + later_ms
        story.tell(f"task_{type_}", "look", execution=1, user="anna")
    if events and events[-1][0] == "completed":
        story.tell("activity_completed", "look", execution=1)
    return story


async def test_activities_and_tasks(world: World) -> None:
    caught = Story("caught", started_ms=T0).tell("started", variables={}).enter("cool")
    caught.tell("retry_scheduled", "cool", execution=1, attempt=1)
    caught.tell("activity_failed", "cool", execution=1, error_type="mqtt", error="no broker")
    caught.tell("error_caught", "cool", error_type="mqtt", error="no broker", handler="end")
    caught.tell("activity_skipped", "wait", condition="false")
    broken = Story("broken", started_ms=T0).tell("started", variables={}).enter("cool")
    broken.tell("failed", "cool", error_type="expression", error="no number")  # an activity_failed is not there
    stories = [
        cooling("whole"), cooling("next"), caught, broken,
        asking("quick", T0, ("claimed", 10_000), ("completed", 40_000), due_ms=60_000),
        asking("slow", T0, ("claimed", 30_000), ("completed", 90_000), due_ms=60_000),
        asking("open", T0, due_ms=60_000),
        asking("free", T0, ("claimed", 20_000)),
    ]  # fmt: skip
    await world.begin(EVENTS)
    records = numbered([value for story in stories for value in story.values])
    for first in range(0, len(records), 4):  # most of what ends has begun in an earlier batch
        if first % 8:  # else the projector remembers when it began
            world.projector.durations.forget({0})
        await world.projector.project(batch(EVENTS, records[first : first + 4]))

    asked = ("temperature-control", instant(T0), instant(T0 + HOUR_MS))
    found = {one.activity_id: one for one in await queries.activities(world.connection, *asked)}
    cool, wait = found["cool"], found["wait"]
    assert (cool.completed, cool.failed, cool.retries, cool.failure_rate) == (2, 2, 1, 0.5)
    assert [(one.error_type, one.count) for one in cool.errors] == [("expression", 1), ("mqtt", 1)]
    assert (cool.avg_ms, cool.p50_ms, cool.p95_ms) == (500.0, 500, 500)
    assert (wait.completed, wait.skipped, wait.p99_ms, wait.failure_rate) == (2, 1, 500, 0.0)
    assert found["look"].p50_ms == 40_000
    assert await queries.activities(world.connection, asked[0], asked[2], instant(T0 + 2 * HOUR_MS)) == []
    views = {row["activity_id"]: row for row in await world.rows("SELECT * FROM activity_statistics")}
    for one in found.values():
        told = views[one.activity_id]
        assert {name: told[name] for name in told if name != "definition_id"} == {
            name: value for name, value in msgspec.structs.asdict(one).items() if name != "errors"
        }
    failures = await world.rows("SELECT error_type, count FROM activity_failures WHERE activity_id = 'cool' ORDER BY 1")
    assert failures == [{"error_type": "expression", "count": 1}, {"error_type": "mqtt", "count": 1}]

    [task] = await queries.task_times(world.connection, *asked)
    assert (task.activity_id, task.count, task.open, task.completed) == ("look", 4, 2, 2)
    assert (task.late, task.overdue, task.on_time_rate) == (1, 1, 1 / 3)
    assert (task.claim_p50_ms, task.claim_p95_ms, task.claim_avg_ms) == (20_000, 30_000, 20_000.0)
    assert (task.work_p50_ms, task.work_p95_ms) == (30_000, 60_000)
    [row] = await world.rows("SELECT * FROM task_statistics")
    assert (row["late"], row["on_time_rate"], row["claim_p95_ms"], row["work_p95_ms"]) == (1, 0.5, 30_000, 60_000)

    one = await queries.process_analytics(world.connection, *asked, within_ms=3_500)
    assert (one.execution_count, one.completed, one.failed, one.within_sla) == (8, 2, 1, 2 / 3)
    assert ([reason.error_type for reason in one.failure_reasons], len(one.tasks)) == (["expression"], 1)
    assert [(trend.started, trend.p50_ms, trend.p95_ms) for trend in one.trends] == [(8, 3500, 3500)]
    whole = await queries.overview(world.connection, *asked[1:], within_ms=3_500)
    [each] = whole.processes
    assert msgspec.structs.asdict(each).items() <= msgspec.structs.asdict(one).items()
    assert (whole.total_processes, whole.total_executions, whole.success_rate) == (0, 8, 2 / 3)
    [trend] = await world.rows("SELECT started, completed, failed FROM process_trends")
    assert trend == {"started": 8, "completed": 2, "failed": 1}


async def test_what_another_projector_has_ended_is_not_under_way_any_more(
    world: World, new_world: Callable[..., Any]
) -> None:
    loop = Story("loop", started_ms=T0).tell("started", variables={}).enter("work")
    loop.now_ms = T0 + 60_000
    loop.tell("activity_completed", "work", execution=1).enter("work")
    loop.now_ms = T0 + 70_000
    loop.tell("activity_completed", "work", execution=2)
    first, second, third = (numbered(loop.values)[part] for part in (slice(2), slice(2, 4), slice(4, 5)))
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, first))
    async with new_world() as other:
        await other.begin(EVENTS)
        await other.projector.project(batch(EVENTS, second))
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, third))
    [row] = await world.rows("SELECT durations FROM activity_rollups")
    assert row["durations"] == [9_800, 60_000]


async def test_the_examples_of_the_readme_answer(world: World) -> None:
    """Over what happens now, since they ask for the last days."""
    began_ms = int(datetime.now(UTC).timestamp() * 1000) - HOUR_MS
    whole = cooling("whole", started_ms=began_ms)
    failed = Story("broken", started_ms=began_ms).tell("started", key="hp-1", variables={}).enter("activate_cooling")
    failed.now_ms += 60_000
    failed.tell("activity_completed", "activate_cooling", execution=1)
    failed.tell("failed", "activate_cooling", error_type="mqtt", error="no broker")
    readings = [
        {"tags": {"device_id": "hp-1"}, "fields": {"flow_temp_c": 60 - minute}, "timestamp": began_ms + minute * 60_000}
        for minute in range(15)
    ]
    await world.begin(EVENTS, TELEMETRY)
    await world.projector.project(batch(EVENTS, numbered([*whole.values, *failed.values])))
    values = numbered([orjson.dumps(one) for one in readings], timestamp=began_ms + 15 * 60_000)
    await world.projector.project(batch(TELEMETRY, values))
    share, said, cooled = [await world.rows(one) for one in EXAMPLES]
    assert [row["within_5_min"] for row in share] == [1]
    assert [(row["error_message"], row["fields"]) for row in said][-1] == ("mqtt: no broker", {"flow_temp_c": 59})
    assert [(row["hottest"], row["after_10_min"]) for row in cooled] == [(59.0, 49.0)]
