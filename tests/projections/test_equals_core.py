"""``process_instances`` says after every event what the core's own fold of the golden histories says."""

import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from projections.migrations.migrate import DIRECTORY
from projections.queries import history, instance, upcoming
from projections.tables.process_rollups import STATUSES
from streams.codec import decode_event
from streams.core.durations import instant
from streams.core.events import OUTSIDE, Event
from streams.core.state import Finished, Instance
from tests.core.plant import Folded, fold
from tests.projections.conftest import World
from tests.projections.story import EVENTS, batch, numbered

GOLDEN = Path(__file__).parents[1] / "golden"
COUNTED = (DIRECTORY / "012_process_rollups.sql").read_text().partition("INSERT INTO process_rollups")[2]
"""Counts ``process_instances``, as the migration does that made ``process_rollups``."""
ENDED = (DIRECTORY / "019_activity_rollups.sql").read_text().partition("INSERT INTO activity_rollups")[2]
"""Counts ``process_history``, as the migration does that made ``activity_rollups``."""
SUMMED = (DIRECTORY / "022_process_totals.sql").read_text().partition("INSERT INTO process_totals")[2].partition(";")[0]
"""Sums up ``process_rollups``, as the migration does that made ``process_totals``."""
HISTORIES = [path for path in sorted(GOLDEN.glob("*.jsonl")) if b'"type":"started"' in path.read_bytes()]


ROLLUPS = ("process_rollups", "process_totals", "activity_rollups")


def is_of_instance(event: Event) -> bool:
    return not event.subject.startswith(OUTSIDE)


async def agree(world: World, folded: Folded, event: Event) -> None:
    """The row of the event's instance and its state in the core."""
    row = await instance(world.connection, event.subject)
    assert row is not None
    state = folded.get(event.subject)
    assert isinstance(state, Instance | Finished)
    assert (row.status, row.last_seq) == (state.status, state.seq)
    version = event.data["to_version"] if event.type == "migrated" else event.definition_version
    assert (row.definition_id, row.definition_version) == (event.definition_id, version)
    if isinstance(state, Instance):
        assert (row.variables, row.business_key, row.steps) == (state.variables, state.key, state.steps)
        assert (row.started_at, row.updated_at) == (instant(state.started_at), instant(state.updated_at))
        told = await upcoming(world.connection, row)
        assert told.next_execution == next_moment(state), event
        failure = state.failure
        assert row.error == (failure and f"{failure.error_type}: {failure.error}")
    else:
        assert (row.completed_at, row.current_activity is None) == (
            instant(state.ended_at),
            state.status == "completed",
        )


def next_moment(state: Instance) -> datetime | None:
    """Of its timers, retries and timeouts of activities."""
    if state.status != "running":
        return None
    moments = [wait.due for wait in state.waiting.values() if wait.kind in ("timer", "retry") and wait.due is not None]
    moments += [one.due for one in state.deadlines.values()]
    return instant(min(moments)) if moments else None


async def rollups(world: World) -> list[dict[str, Any]]:
    """Rows of ``process_rollups`` that count something."""
    rows = await world.rows("SELECT * FROM process_rollups ORDER BY 1, 2, 3, 4")
    return [row for row in rows if any(row[status] for status in STATUSES)]


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
@pytest.mark.parametrize("batches_of", [1, 3, 1000])
async def test_rows_agree_with_the_core_after_every_batch(world: World, path: Path, batches_of: int) -> None:
    records = numbered(path.read_bytes().splitlines())  # noqa: ASYNC240
    events = [decode_event(record.value or b"") for record in records]
    await world.begin(EVENTS)
    for first in range(0, len(records), batches_of):
        part = records[first : first + batches_of]
        if batches_of == 3:  # else it remembers when activities began, and need not ask
            world.projector.durations.forget({0})
        await world.projector.project(batch(EVENTS, part))
        folded = fold(events[: first + len(part)])
        for event in {event.subject: event for event in events[: first + len(part)] if is_of_instance(event)}.values():
            await agree(world, folded, event)
        assert await rollups(world) == await world.rows(f"{COUNTED.rstrip().removesuffix(';')} ORDER BY 1, 2, 3, 4")
    ended = await world.connection.fetch(f"{ENDED.rstrip().removesuffix(';')} ORDER BY 1, 2, 3, 4")
    counts = await world.connection.fetch("SELECT * FROM activity_rollups ORDER BY 1, 2, 3, 4")
    assert [tuple(row) for row in counts] == [tuple(row) for row in ended] != []
    summed = await world.connection.fetch(f"{SUMMED} ORDER BY 1, 2, 3")
    totals = await world.connection.fetch("SELECT * FROM process_totals ORDER BY 1, 2, 3")
    assert [tuple(row) for row in totals] == [tuple(row) for row in summed] != []
    for subject in {event.subject for event in events if is_of_instance(event)}:
        told = [(event.seq, event.type, event.data) for event in events if event.subject == subject]
        rows = await history(world.connection, subject)
        assert [(row.seq, row.event_type, row.data) for row in rows] == told


async def test_batches_of_any_size_lead_to_the_same_rows(world: World) -> None:
    """All histories in one partition, cut at random, against each of them event by event."""
    values = [value for path in HISTORIES for value in path.read_bytes().splitlines()]
    dice, tables = random.Random(5), []
    for _ in range(4):
        await world.connection.execute(
            "TRUNCATE process_instances, process_history, process_rollups, process_totals, activity_rollups, tasks,"
            " incidents; DELETE FROM projection_positions"
        )
        await world.begin(EVENTS)
        left = numbered(values)
        while left:
            size = dice.randrange(1, 12)
            if dice.random() < 0.3:
                world.projector.durations.forget({0})
            await world.projector.project(batch(EVENTS, left[:size]))
            left = left[size:]
        instances = await world.rows("SELECT * FROM process_instances ORDER BY id")
        counts = [await world.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in ROLLUPS]
        tables.append((instances, *counts))
    assert all(len(rows) > 2 for rows in tables[0])
    assert all(rows == tables[0] for rows in tables)
