"""The views for people: what the station's people know of processes, their executions and steps."""

from uuid import UUID

import msgspec

from projections import queries
from streams.codec import encode_json
from streams.core.commands import Origin
from streams.core.durations import instant
from streams.deployed import DeployedVersion
from tests.projections.conftest import World
from tests.projections.story import DEFINITIONS, EVENTS, T0, Story, batch, cooling, numbered

HOUR_MS = 3_600_000


def deployed(version: int) -> bytes:
    activities = [{"type": name} for name in ("start", "decision", "service", "timer", "end")]
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
    assert [one["status"] for one in await world.rows(query, UUID(skipping.id))] == ["skipped", "running"]
