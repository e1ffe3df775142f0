"""Rows that are old enough are removed; an instance is kept whole until it has ended long enough ago."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import pytest

from projections import retention
from projections.app import ProjectorRole
from projections.replay.replay import REPLAY_LOCK
from projections.retention import BusyError, Removed, expired_chunks, limits_of, remove_expired
from streams.core.clock import PlantClock
from streams.core.durations import instant
from streams.settings import Settings
from streams.topics import load_topics
from tests.projections.conftest import World
from tests.projections.story import AUDIT, EVENTS, T0, TELEMETRY, Story, batch, numbered, write_of

DAY_MS = 86_400_000
NOON = T0 - T0 % DAY_MS + DAY_MS // 2
LIMIT = instant(NOON)
"""Whatever ended before is too old."""
LATER = instant(NOON + 400 * DAY_MS)
TABLES = ("process_history", "process_instances", "tasks", "incidents")


def long_ago(days: int) -> int:
    return NOON - days * DAY_MS


def ended(cause: str, started_days_ago: int, ended_days_ago: int) -> Story:
    """With a task that was done, and an incident that was resolved."""
    story = Story(cause, started_ms=long_ago(started_days_ago))
    story.tell("started", key=cause, variables={}).enter("ask", "user_task")
    story.tell("task_created", "ask", execution=1, title="Look", priority=50)
    story.tell("failed", "ask", error_type="form", error="no").tell("retried", "ask")
    story.now_ms = long_ago(ended_days_ago)
    return story.tell("task_completed", "ask", execution=1, user="ada").tell("completed", duration_ms=1, steps=1)


def running(cause: str, started_days_ago: int, seen_days_ago: int) -> Story:
    """That waits, with an open task and an incident."""
    story = Story(cause, started_ms=long_ago(started_days_ago))
    story.tell("started", key=cause, variables={}).enter("ask", "user_task")
    story.tell("task_created", "ask", execution=1, title="Look", priority=50)
    story.now_ms = long_ago(seen_days_ago)
    return story.tell("incident_created", "ask", error_type="form", error="no", token="1")


async def project(world: World, stories: Sequence[Story], first: int = 0) -> int:
    """Returns the next offset."""
    await world.begin()
    values = [value for story in stories for value in story.values]
    await world.projector.project(batch(EVENTS, numbered(values, first)))
    return first + len(values)


async def rows_of(world: World, story: Story) -> dict[str, list[str]]:
    """Everything that the database has of an instance, by table."""
    found = {}
    for table in TABLES:
        column = "id" if table == "process_instances" else "instance_id"
        query = f"SELECT t::text FROM {table} AS t WHERE {column} = $1::uuid ORDER BY 1"
        found[table] = [row["t"] for row in await world.rows(query, story.id)]
    return found


async def remove(world: World, before: datetime = LIMIT) -> dict[str, Removed]:
    return {one.table: one for one in await remove_expired(world.connection, {"history": before})}


def nothing() -> dict[str, list[str]]:
    return {table: [] for table in TABLES}


async def test_what_ended_long_ago_is_removed_and_the_rest_stays_whole(world: World) -> None:
    old = [ended(f"old-{n}", 40 + n, 40 + n) for n in range(3)]
    long_lived, recent = ended("long", 41, -2), ended("recent", -3, -3)
    waiting = running("waiting", 42, 30)
    kept = [long_lived, recent, waiting]
    await project(world, [*old, *kept])
    before = {story.id: await rows_of(world, story) for story in kept}
    assert all(rows[table] for rows in before.values() for table in TABLES), "the story must be of every table"
    assert await expired_chunks(world.connection, {"history": LIMIT}) == {"process_history": 3, "process_instances": 1}

    removed = await remove(world)

    assert [await rows_of(world, story) for story in old] == [nothing()] * 3
    assert {story.id: await rows_of(world, story) for story in kept} == before
    assert (removed["process_history"].rows, removed["process_instances"].rows) == (sum(len(s.events) for s in old), 3)
    assert await remove(world) == {}
    assert await expired_chunks(world.connection, {"history": LIMIT}) == {"process_history": 0, "process_instances": 0}


async def test_a_chunk_of_which_most_is_kept_is_thinned_out_as_it_is(world: World) -> None:
    waiting = [running(f"waiting-{n}", 40, 40) for n in range(20)]
    old = ended("old", 40, 40)
    await project(world, [*waiting, old])
    before = [await rows_of(world, story) for story in waiting]
    chunks = "SELECT chunk_name FROM timescaledb_information.chunks WHERE hypertable_name = 'process_history'"
    names = await world.rows(chunks)
    await remove(world)
    assert [await rows_of(world, story) for story in waiting] == before
    assert await rows_of(world, old) == nothing()
    assert await world.rows(chunks) == names


async def test_an_instance_goes_on_after_its_rows_were_put_back(world: World) -> None:
    old, waiting = [ended(f"old-{n}", 40, 40) for n in range(9)], running("waiting", 40, 40)
    end = await project(world, [*old, waiting])
    await remove(world)
    told = len(waiting.events)
    waiting.now_ms = long_ago(-1)
    waiting.tell("task_completed", "ask", execution=1, user="ada").tell("completed", duration_ms=1, steps=1)
    await world.projector.project(batch(EVENTS, numbered(waiting.values[told:], end)))
    rows = await rows_of(world, waiting)
    assert len(rows["process_history"]) == len(waiting.events)
    assert len(rows["process_instances"]) == len(rows["tasks"]) == 1
    (row,) = await world.rows("SELECT status, last_seq, business_key FROM process_instances WHERE id = $1", waiting.id)
    assert row == {"status": "completed", "last_seq": len(waiting.events), "business_key": "waiting"}


async def test_a_chunk_that_is_not_old_as_a_whole_waits(world: World) -> None:
    await project(world, [ended("old", 0, 0)])
    assert await remove(world) == {}
    assert (await remove(world, LATER))["process_instances"].rows == 1


async def test_counts_stay(world: World) -> None:
    await project(world, [ended("old", 40, 40)])
    count = "SELECT sum(completed)::int AS completed FROM process_rollups"
    before = await world.rows(count)
    await remove(world)
    assert before == await world.rows(count) == [{"completed": 1}]


async def test_readings_and_the_audit_go_by_their_age(world: World) -> None:
    await world.begin()
    reading = b'{"tags": {"device_id": "a"}, "fields": {"t": 1.0}}'
    ages = [2, 3, -1]
    for at, days in enumerate(ages):
        record = numbered([reading], at, timestamp=long_ago(days))
        await world.projector.project(batch(TELEMETRY, record))
        write = write_of(at, time=instant(long_ago(10 * days)))
        await world.projector.project(batch(AUDIT, numbered([write], at)))
    removed = await remove_expired(world.connection, {"telemetry": LIMIT, "audit": LIMIT})
    assert removed == [Removed("telemetry", 2, None), Removed("audit_log", 2, None)]
    assert await world.rows("SELECT record_offset FROM telemetry") == [{"record_offset": 2}]
    assert await world.rows("SELECT record_offset FROM audit_log") == [{"record_offset": 2}]
    marks = await world.rows("SELECT kind, removed_before FROM retention ORDER BY kind")
    assert marks == [{"kind": kind, "removed_before": LIMIT} for kind in ("audit", "telemetry")]


async def test_the_mark_never_goes_back(world: World) -> None:
    for days in (40, 80):
        await project(world, [ended(f"old-{days}", days, days)], first=1_000 * days)
        await remove(world, LIMIT - timedelta(days=days - 39))
    (mark,) = await world.rows("SELECT removed_before FROM retention")
    assert mark["removed_before"] == LIMIT - timedelta(days=1)


async def test_there_is_no_pass_beside_a_replay(world: World, database_url: str) -> None:
    await project(world, [ended("old", 40, 40)])
    replay = await asyncpg.connect(database_url)
    try:
        await replay.execute("SELECT pg_advisory_lock($1)", REPLAY_LOCK)
        with pytest.raises(BusyError, match="replay"):
            await remove(world)
    finally:
        await replay.close()
    assert (await remove(world))["process_instances"].rows == 1


async def test_what_somebody_reads_is_left_for_the_next_pass(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ended("old", 40, 40)
    await project(world, [old])
    before = await rows_of(world, old)
    monkeypatch.setattr(retention, "LOCK_TIMEOUT_S", 0.05)
    reader = await asyncpg.connect(database_url)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT FROM process_history")
            with pytest.raises(BusyError, match=r"process_history of \S+ is in use"):
                await remove(world)
            assert await rows_of(world, old) == before
    finally:
        await reader.close()
    await remove(world)
    assert await rows_of(world, old) == nothing()


async def test_what_is_written_meanwhile_is_waited_for_and_kept(world: World, database_url: str) -> None:
    """A row that was taken aside before somebody changed it would come back as it was."""
    waiting = running("waiting", 40, 40)
    await project(world, [waiting, *(ended(f"old-{n}", 40, 40) for n in range(3))])
    writer = await asyncpg.connect(database_url)
    try:
        async with writer.transaction():
            await writer.execute("UPDATE process_instances SET last_seq = 99 WHERE id = $1", waiting.id)
            removing = asyncio.create_task(remove(world))
            blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'"
            deadline = time.monotonic() + 20.0
            while not await writer.fetchval(blocked):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
        assert (await removing)["process_instances"].rows == 3
    finally:
        await writer.close()
    assert await world.rows("SELECT last_seq FROM process_instances") == [{"last_seq": 99}]


async def test_the_projector_removes_what_the_settings_say(world: World, settings: Settings, database_url: str) -> None:
    old, waiting = ended("old", 40, 40), running("waiting", 40, 40)
    await project(world, [old, waiting])
    for days, left in ((None, 2), (31, 1)):
        # T0 is past for whoever runs this, but perhaps not by 31 days
        clock = f"{LATER:%Y-%m-%dT%H:%M:%SZ}@2026-01-01T00:00:00Z"
        own = settings.model_copy(
            update={"database_url": database_url, "history_keep_days": days, "clock": f"{clock}x1"}
        )
        role = ProjectorRole(own, load_topics(own))
        await role.remove_expired()
        await role.stop()
        assert len(await world.rows("SELECT id FROM process_instances")) == left
        counted = [one for one in role.samples() if one.name == "weir_projector_expired_chunks_total"]
        assert sum(one.value for one in counted) == (2 if days else 0)


def test_limits_are_in_plant_time_and_the_audits_in_the_walls() -> None:
    fast = PlantClock.parse("2030-01-01T00:00:00Z@2026-01-01T00:00:00Zx60")
    settings = Settings(
        _env_file=None,
        history_keep_days=31,
        telemetry_keep_days=7,
        clock="2030-01-01T00:00:00Z@2026-01-01T00:00:00Zx60",
    )
    wall_ms = time.time() * 1000
    limits = limits_of(settings)
    assert set(limits) == {"history", "telemetry"}
    late = timedelta(minutes=5)
    plant = instant(round(fast.plant_ms(wall_ms)))
    assert abs(limits["history"] - (plant - timedelta(days=31))) < late
    assert abs(limits["telemetry"] - (plant - timedelta(days=7))) < late
    audit = limits_of(settings.model_copy(update={"audit_keep_days": 1}))["audit"]
    assert abs(audit - (instant(round(wall_ms)) - timedelta(days=1))) < late


def test_failed_instances_are_kept_until_nobody_can_retry_them() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 31"):
        Settings(_env_file=None, history_keep_days=30)
