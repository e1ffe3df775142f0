"""``incidents`` says after every batch what ``weir verify`` makes of the same events, and tells people of them."""

from typing import Any

import pytest

from projections import queries
from projections.memory_database import MemoryDatabase
from projections.migrations.migrate import load
from projections.tables.incidents import OPENS, RESOLVES, build, write
from streams.codec import encode_event
from streams.core.commands import Cancel, Migrate, Retry, Signal
from streams.core.events import Event
from streams.core.flow import ends
from streams.core.turn import Overlay, Turn
from tests.core.plant import Plant
from tests.projections.conftest import World
from tests.projections.story import EVENTS, batch, numbered
from tests.projections.test_memory_database import items
from weir.verify import incidents
from weir.verify.incidents import QUERY, IncidentRow, incident_row, opened, resolved

BRANCHES = """
id: both
version: 1
on_failure: incident
trigger: {type: api, mode: parallel}
variables: [{name: n}]
activities:
  - id: fork
    type: parallel
    join: JOIN
    branches:
      a: [{id: see, type: message, name: a}, {id: say, type: service, action: log, message: "${n.x}"}]
      b: [{id: look, type: message, name: b}, {id: tell, type: service, action: log, message: "${n.y}"}]
"""
ALONE = """
id: alone
version: 1
timeout: 1h
trigger: {type: api, mode: parallel}
variables: [{name: n}]
activities:
  - {id: see, type: message, name: go}
  - {id: say, type: service, action: log, message: "${n.x}"}
  - {id: rest, type: message, name: done}
"""
NAMES = ("retried", "twice", "cancelled", "outrun", "process", "late", "condemned", "open")


def _story() -> tuple[Plant, dict[str, str]]:
    """Instances to which everything happens that opens an incident, or ends one, by what it is."""
    plant = Plant(BRANCHES.replace("JOIN", "all"), ALONE)
    both, alone = ({name: plant.start(id_) for name in NAMES} for id_ in ("both", "alone"))
    for name in ("retried", "cancelled", "open"):
        plant.do(Signal(name="a", instance_id=both[name]), after_ms=5)
    plant.do(Signal(name="b", instance_id=both["retried"]))
    plant.add(BRANCHES.replace("JOIN", "all").replace("id: say", "id: speak").replace("version: 1", "version: 2"))
    plant.do(Migrate(instance_id=both["retried"], version=2, activities={"say": "speak"}))
    plant.do(Retry(instance_id=both["retried"]), after_ms=5)  # which fails at both places again
    plant.do(Cancel(instance_id=both["cancelled"]))
    outrun = Plant(BRANCHES.replace("JOIN", "any"))
    outrun.now, ids = plant.now + 5, {}
    ids["outrun"] = outrun.start("both", n={"y": 1})
    outrun.do(Signal(name="a", instance_id=ids["outrun"]))
    outrun.do(Signal(name="b", instance_id=ids["outrun"]))
    plant.log += outrun.log
    for name in ("process", "twice", "cancelled"):
        plant.do(Signal(name="go", instance_id=alone[name]), after_ms=5)
    for _ in range(2):
        plant.do(Retry(instance_id=alone["twice"]), after_ms=5)
    plant.do(Cancel(instance_id=alone["cancelled"]))
    turn = Turn(plant.around, Overlay(plant.table.get), plant.now, 999)
    condemned = turn.instance(alone["condemned"])
    assert condemned is not None
    ends.fail(turn, condemned, "incident", "KeyError: 'x'", None)
    plant.log += turn.events
    plant.table.put(condemned.id, turn.entities.changed[condemned.id])
    while plant.due():
        plant.fire_next()
    plant.do(Retry(instance_id=alone["late"]))
    ids |= {f"both {name}": id_ for name, id_ in both.items()} | {f"alone {name}": id_ for name, id_ in alone.items()}
    return plant, {id_: name for name, id_ in ids.items()}


PLANT, IDS = _story()
LOG = [event for event in PLANT.log if event.subject in IDS]
VALUES = [encode_event(event) for event in LOG]


def folded(events: list[Event]) -> dict[tuple[str, int], IncidentRow]:
    rows: dict[tuple[str, int], IncidentRow] = {}
    for event in events:
        if event.type in incidents.OPENS:
            rows[event.subject, event.seq] = opened(event)
        elif event.type in incidents.ENDS:
            of = [row for (id_, _), row in rows.items() if id_ == event.subject and row.resolved_at is None]
            resolved(of, event)
    return rows


def test_the_story_has_it_all() -> None:
    assert set(OPENS) == incidents.OPENS
    assert set(RESOLVES) == set(incidents.ENDS)
    assert {event.type for event in LOG} >= incidents.OPENS | set(incidents.ENDS)
    told = sorted((IDS[id_], row.type, row.stopped, str(row.resolution)) for (id_, _), row in folded(LOG).items())
    assert told == [
        ("alone cancelled", "activity", "instance", "cancelled"),
        ("alone condemned", "poison", "instance", "None"),
        ("alone late", "timeout", "instance", "retried"),
        ("alone open", "timeout", "instance", "None"),
        ("alone outrun", "timeout", "instance", "None"),
        ("alone process", "activity", "instance", "None"),
        ("alone retried", "timeout", "instance", "None"),
        *[("alone twice", "activity", "instance", how) for how in ("None", "retried", "retried")],
        ("both cancelled", "activity", "token", "cancelled"),
        *[(f"both {name}", "timeout", "instance", "None") for name in ("condemned", "late")],
        *[("both open", *one, "None") for one in (("activity", "token"), ("timeout", "instance"))],
        *[(f"both {name}", "timeout", "instance", "None") for name in ("outrun", "process")],
        *[("both retried", "activity", "token", how) for how in ("None", "None", "retried", "retried")],
        ("both retried", "timeout", "instance", "None"),
        ("both twice", "timeout", "instance", "None"),
        ("outrun", "activity", "token", "cancelled"),
    ]


@pytest.mark.parametrize("batches_of", [1, 7, 1000])
async def test_rows_agree_with_the_fold_after_every_batch(world: World, batches_of: int) -> None:
    await world.begin(EVENTS)
    records = numbered(VALUES)
    for first in range(0, len(records), batches_of):
        await world.projector.project(batch(EVENTS, records[first : first + batches_of]))
        if batches_of > 1 or LOG[first].type in incidents.OPENS | set(incidents.ENDS):
            rows = {(row["instance_id"], row["seq"]): incident_row(row) for row in await world.connection.fetch(QUERY)}
            assert rows == folded(LOG[: first + batches_of])


@pytest.mark.parametrize("batches_of", [1, 7, 1000])
async def test_the_simulated_table_holds_the_same(batches_of: int) -> None:
    database = MemoryDatabase()
    connection: Any = await database.connect()
    records = numbered(VALUES)
    for first in range(0, len(records), batches_of):
        await write(connection, build(items(batch(EVENTS, records[first : first + batches_of]))))
    found = [incident_row(row | {"instance_id": str(row["instance_id"])}) for row in database.tables.incidents.values()]
    assert {(row.instance_id, row.seq): row for row in found} == folded(LOG)


async def test_those_of_before_there_was_the_table_are_found_in_the_history(world: World) -> None:
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))
    await world.connection.execute("DELETE FROM incidents")
    (migration,) = [one for one in load() if one.name == "incidents"]
    await world.connection.execute(migration.sql[migration.sql.index("INSERT INTO incidents") :])
    rows = {(row["instance_id"], row["seq"]): incident_row(row) for row in await world.connection.fetch(QUERY)}
    assert rows == folded(LOG)


async def test_people_find_what_is_open(world: World) -> None:
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered(VALUES)))

    async def found(**conditions: Any) -> list[queries.Incident]:
        return await queries.incidents(world.connection, **conditions)

    every = await found()
    assert every == sorted(every, key=lambda one: (one.created_at, one.instance_id, one.seq), reverse=True)
    assert len(every) == len(folded(LOG))
    assert await found(open_only=True) == [one for one in every if one.resolved_at is None]
    assert await found(definition_id="alone", limit=2) == [one for one in every if one.definition_id == "alone"][:2]
    (poison,) = [one for one in every if one.type == "poison"]
    assert await found(instance_id=str(poison.instance_id)) == [poison]
    assert (poison.error_type, poison.message, poison.activity_id) == ("incident", "KeyError: 'x'", None)
    moment = every[len(every) // 2].created_at
    assert await found(since=moment) == [one for one in every if one.created_at >= moment]
    pages: list[queries.Incident] = []
    while page := await found(limit=2, before=queries.IncidentPlace.of(pages[-1]) if pages else None):
        pages += page
    assert pages == every
