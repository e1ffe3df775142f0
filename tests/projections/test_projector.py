"""The projector against a real database: what rows there are, who may write them, what is refused."""

import asyncio
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import orjson
import pytest
import structlog

from projections.errors import BrokenRecordError, NotOwnerError, RecordsLostError, TopicRecreatedError
from projections.records import Refused
from streams.core.durations import instant
from streams.transport.port import TopicPartition
from tests.projections.conftest import World
from tests.projections.lossy import lossy_proxy
from tests.projections.story import (
    DEFINITIONS,
    EVENTS,
    IDS,
    T0,
    TELEMETRY,
    FakeRecord,
    Story,
    batch,
    cooling,
    numbered,
)

NewWorld = Callable[..., Any]


def reading(device: str = "hp-1", **fields: Any) -> bytes:
    return orjson.dumps({"tags": {"device_id": device}, "fields": fields or {"t": 1.5}, "timestamp": T0})


async def test_rows_are_the_fold_of_the_events(world: World) -> None:
    await world.begin(EVENTS)
    story = cooling("a")
    records = numbered(story.values)
    for first, end in ((0, 1), (1, 7), (7, 12), (12, 15)):  # every batch merges into what the last one left
        await world.projector.project(batch(EVENTS, records[first:end]))
    assert await world.rows("SELECT * FROM process_instances") == [
        {
            "id": UUID(story.id),
            "definition_id": "temperature-control",
            "definition_version": 1,
            "status": "completed",
            "status_since": instant(T0 + 3500),
            "business_key": "hp-1",
            "reference": "Pump hp-1",
            "current_activity": None,
            "variables": {"device_id": "hp-1", "temperature": 88.25, "threshold": 90.0},
            "error": None,
            "steps": 5,
            "steps_completed": 5,
            "trigger": {"topic": TELEMETRY},
            "last_seq": 15,
            "started_at": instant(T0),
            "updated_at": instant(T0 + 3500),
            "completed_at": instant(T0 + 3500),
        }
    ]
    history = await world.rows("SELECT * FROM process_history ORDER BY seq")
    assert [row["seq"] for row in history] == list(range(1, 16))
    assert [row["event_type"] for row in history] == [event.type for event in story.events]
    assert history[13] == {
        "instance_id": UUID(story.id),
        "seq": 14,
        "timestamp": instant(T0 + 13 * 250),
        "event_type": "activity_completed",
        "activity_id": "end",
        "message": "done",
        "data": {"execution": 5},
        "definition_id": "temperature-control",
        "definition_version": 1,
        "cause": "0:13",
        "token": None,
    }
    assert await world.position(EVENTS) == 15


async def test_a_running_instance_in_pieces(world: World) -> None:
    await world.begin(EVENTS)
    records = numbered(cooling("a").values[:12])
    for at in range(12):
        await world.projector.project(batch(EVENTS, records[at : at + 1]))
    [row] = await world.rows("SELECT * FROM process_instances")
    assert (row["status"], row["current_activity"], row["steps"], row["last_seq"]) == ("running", "recheck", 4, 12)
    assert row["variables"] == {"device_id": "hp-1", "temperature": 88.25, "threshold": 90.0}
    assert (row["business_key"], row["status_since"], row["completed_at"]) == ("hp-1", instant(T0), None)


async def test_failed_then_cancelled(world: World) -> None:
    await world.begin(EVENTS)
    story = Story("a").tell("started", key="k", variables={"a": {"deep": [1, "ä"]}}).enter("work")
    story.tell("variable_changed", name="a", value={"deep": []}).tell("failed", "work", error_type="http", error="503")
    story.tell("variable_changed", name='odd "name"\n', value=None).tell("cancelled", reason="by hand")
    records = numbered(story.values)
    await world.projector.project(batch(EVENTS, records[:4]))
    [row] = await world.rows("SELECT * FROM process_instances")
    assert (row["status"], row["error"], row["current_activity"]) == ("failed", "http: 503", "work")
    assert (row["completed_at"], row["variables"]) == (instant(T0 + 750), {"a": {"deep": []}})
    await world.projector.project(batch(EVENTS, records[4:]))
    [row] = await world.rows("SELECT * FROM process_instances")
    assert (row["status"], row["error"], row["current_activity"]) == ("cancelled", None, "work")
    assert (row["completed_at"], row["variables"]) == (instant(T0 + 1250), {"a": {"deep": []}, 'odd "name"\n': None})


async def test_an_instance_whose_row_was_deleted_comes_back_with_what_is_told(world: World) -> None:
    await world.begin(EVENTS)
    records = numbered(cooling("a").values)
    await world.projector.project(batch(EVENTS, records[:7]))
    await world.connection.execute("DELETE FROM process_instances")
    with structlog.testing.capture_logs() as logs:
        await world.projector.project(batch(EVENTS, records[7:12]))
    assert [log["count"] for log in logs if "rows were deleted" in log["event"]] == [1]
    [row] = await world.rows("SELECT status_since, variables, last_seq FROM process_instances")
    assert row == {"status_since": None, "variables": {"temperature": 88.25}, "last_seq": 12}


async def test_definitions(world: World) -> None:
    def deployed(version: int, name: str) -> bytes:
        content = {"id": "d", "version": version, "name": name}
        return orjson.dumps(
            {"v": 1, "hash": "h", "definition": content, "deployed_at": "2026-09-21T14:13:20Z", **content}
        )

    await world.begin(DEFINITIONS)
    values = [deployed(1, "one"), deployed(2, "two"), deployed(1, "one again")]
    await world.projector.project(batch(DEFINITIONS, numbered(values)))
    await world.projector.project(batch(DEFINITIONS, numbered([deployed(2, "two again")], first=3)))
    rows = await world.rows(
        "SELECT id, version, name, definition, hash, created_at FROM process_definitions ORDER BY version"
    )
    assert [row["name"] for row in rows] == ["one again", "two again"]
    assert rows[1]["definition"] == {"id": "d", "version": 2, "name": "two again"}
    assert rows[1]["created_at"] == instant(T0)


async def test_what_is_active(world: World) -> None:
    def activation(name: str, active: int | None, **more: Any) -> bytes:
        one = {"v": 2, "kind": "activation", "id": name, "active": active, "changed_at": "2026-09-21T14:13:20Z"}
        return orjson.dumps({**one, **more})

    await world.begin(DEFINITIONS)
    values = [activation("d", 1), activation("e", 2, retired=[1, 3])]
    await world.projector.project(batch(DEFINITIONS, numbered(values)))
    off = {"reason": "winter", "pruned": True}
    await world.projector.project(
        batch(DEFINITIONS, numbered([activation("d", 2), activation("d", None, off=off)], first=2))
    )
    rows = await world.rows("SELECT * FROM definition_activations ORDER BY id")
    assert rows == [
        {"id": "d", "active": None, "off": True, **off, "retired": [], "changed_at": instant(T0)},
        {"id": "e", "active": 2, "off": False, "reason": None, "pruned": False, "retired": [1, 3]}
        | {"changed_at": instant(T0)},
    ]


async def test_telemetry(world: World) -> None:
    await world.begin(TELEMETRY, partitions=2)
    await world.projector.project(
        batch(TELEMETRY, numbered([reading(t=1.5), reading("hp-2", t=2)], first=5), partition=1)
    )
    rows = await world.rows("SELECT * FROM telemetry ORDER BY record_offset")
    assert rows[1] == {
        "time": instant(T0),
        "arrived_at": instant(T0),
        "topic": TELEMETRY,
        "record_partition": 1,
        "record_offset": 6,
        "device_id": "hp-2",
        "tags": {"device_id": "hp-2"},
        "fields": {"t": 2},
    }
    assert (await world.position(TELEMETRY, 0), await world.position(TELEMETRY, 1)) == (0, 7)


async def test_what_is_no_reading_becomes_a_dead_letter(world: World) -> None:
    await world.begin(TELEMETRY)
    bad = FakeRecord(b"{broken", 1, b"the key", [("h", b"1")])
    await world.projector.project(batch(TELEMETRY, [FakeRecord(reading(), 0), bad, FakeRecord(reading(), 2)]))
    assert len(await world.rows("SELECT * FROM telemetry")) == 2
    [letter] = world.dead_letters.letters
    assert (letter.topic, letter.partition, letter.offset) == (TELEMETRY, 0, 1)
    assert (letter.value, letter.key, list(letter.headers), letter.role) == (
        b"{broken",
        b"the key",
        [("h", b"1")],
        "projector",
    )
    assert "as JSON" in letter.reason
    assert await world.position(TELEMETRY) == 3


async def test_a_batch_of_nothing_but_poison_moves_the_position(world: World) -> None:
    await world.begin(TELEMETRY)
    await world.projector.project(batch(TELEMETRY, numbered([b"", None, b"\x00"])))
    assert len(world.dead_letters.letters) == 3
    assert await world.position(TELEMETRY) == 3


async def test_rows_that_only_postgresql_refuses_are_found(world: World) -> None:
    """A device id too long for its index passes every check but the database's."""
    await world.begin(TELEMETRY)
    endless = "".join(random.Random(1).choices(string.ascii_letters, k=4_000))  # nothing that compresses
    values = [reading(f"hp-{n}") for n in range(100)]
    values[17] = values[63] = reading(endless)
    await world.projector.project(batch(TELEMETRY, numbered(values)))
    rows = await world.rows("SELECT record_offset FROM telemetry ORDER BY 1")
    assert [row["record_offset"] for row in rows] == [n for n in range(100) if n not in {17, 63}]
    assert [letter.offset for letter in world.dead_letters.letters] == [17, 63]
    assert "ProgramLimitExceededError: index row" in world.dead_letters.letters[0].reason
    assert await world.position(TELEMETRY) == 100


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda story: story.tell("variable_changed", name="x\0", value=1), "UntranslatableCharacterError"),
        (lambda story: story.tell("variable_changed", value=1), "missing required field `name`"),
        (lambda story: setattr(story.tell("timer_fired").events[-1], "definition_version", 2**40), "error: 'i' format"),
    ],
)
async def test_an_event_that_no_row_takes_stops_the_projector(
    world: World, spoil: Callable[[Story], Any], reason: str
) -> None:
    await world.begin(EVENTS)
    good, bad = cooling("good"), Story("bad").tell("started", variables={})
    await world.projector.project(batch(EVENTS, numbered(good.values[:3])))
    spoil(bad)
    values = [*good.values[3:6], *_unchecked(bad), *good.values[6:]]
    with pytest.raises(BrokenRecordError, match=rf"process-events/0 offset 7: PostgreSQL refused the row: .*{reason}"):
        await world.projector.project(batch(EVENTS, numbered(values, first=3)))
    assert len(await world.rows("SELECT * FROM process_history")) == await world.position(EVENTS) == 3
    assert world.dead_letters.letters == []


def _unchecked(story: Story) -> list[bytes]:
    return [msgspec.json.encode(event) for event in story.events]


async def test_a_projector_goes_on_where_another_ended(world: World, new_world: NewWorld) -> None:
    records = numbered(cooling("a").values)
    assert await world.begin(EVENTS) == {TopicPartition(EVENTS, 0): None}
    await world.projector.project(batch(EVENTS, records[:7], gap=3))
    async with new_world() as other:
        assert await other.begin(EVENTS) == {TopicPartition(EVENTS, 0): 10}
        rest = [replace(record, offset=record.offset + 3) for record in records[7:]]
        await other.projector.project(batch(EVENTS, rest))
    assert len(await world.rows("SELECT * FROM process_history")) == 15


async def test_markers_between_batches_are_no_gap(world: World) -> None:
    """The transport skips transaction markers without a batch: the next one begins behind the database's position."""
    await world.begin(EVENTS)
    records = numbered(cooling("a").values)
    await world.projector.project(batch(EVENTS, records[:7]))
    await world.projector.project(batch(EVENTS, [replace(record, offset=record.offset + 40) for record in records[7:]]))
    assert await world.position(EVENTS) == 55


async def test_of_two_owners_one_fails_and_rows_come_once(world: World, new_world: NewWorld) -> None:
    records = numbered(cooling("a").values)
    async with new_world() as zombie:
        await world.begin(EVENTS)
        await zombie.begin(EVENTS)
        outcomes = await asyncio.gather(
            world.projector.project(batch(EVENTS, records[:9])),
            zombie.projector.project(batch(EVENTS, records[:6])),
            return_exceptions=True,
        )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [NotOwnerError]
    position = await world.position(EVENTS)
    assert position in {6, 9}
    assert len(await world.rows("SELECT * FROM process_history")) == position


async def test_a_zombie_that_wakes_up_later_writes_nothing(world: World, new_world: NewWorld) -> None:
    records = numbered(cooling("a").values)
    async with new_world() as zombie:
        await zombie.begin(EVENTS)
        await world.begin(EVENTS)
        await world.projector.project(batch(EVENTS, records[:9]))
        with pytest.raises(NotOwnerError, match=r"process-events/0 at position 0, but the database has 9"):
            await zombie.projector.project(batch(EVENTS, records[:6]))
    assert len(await world.rows("SELECT * FROM process_history")) == 9


async def test_a_batch_from_before_the_position_is_refused(world: World) -> None:
    records = numbered(cooling("a").values)
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, records[:9]))
    with pytest.raises(NotOwnerError, match=r"from 9 on, but got process-events/0 \[6, 15\)"):
        await world.projector.project(batch(EVENTS, records[6:]))


async def test_a_recreated_topic_is_noticed(world: World, new_world: NewWorld) -> None:
    await world.begin(EVENTS)
    async with new_world(ids=IDS | {EVENTS: "another"}) as other:
        with pytest.raises(
            TopicRecreatedError, match=r"process-events with the id id-of-process-events.* but it has another"
        ):
            await other.begin(EVENTS)


async def test_a_broker_that_learns_the_ids_of_topics(world: World, new_world: NewWorld) -> None:
    tp = TopicPartition(EVENTS, 0)
    async with new_world(ids={EVENTS: None}) as old:
        await old.begin(EVENTS)
        await old.projector.project(batch(EVENTS, numbered(cooling("a").values)))
        assert await world.begin(EVENTS) == {tp: 15}
        assert await old.begin(EVENTS) == {tp: 15}  # and one that forgets them
    assert await world.rows("SELECT topic_id FROM projection_positions") == [{"topic_id": IDS[EVENTS]}]


async def test_events_that_the_log_has_dropped_are_fatal_and_telemetry_is_an_alarm(
    world: World, new_world: NewWorld
) -> None:
    await world.begin(EVENTS, TELEMETRY)
    await world.projector.project(batch(EVENTS, numbered(cooling("a").values)))
    await world.projector.project(batch(TELEMETRY, numbered([reading()])))
    async with new_world(starts={TopicPartition(EVENTS, 0): 20, TopicPartition(TELEMETRY, 0): 50}) as later:
        with pytest.raises(RecordsLostError, match=r"from offset 15 on, but it begins at 20"):
            await later.begin(EVENTS)
        with structlog.testing.capture_logs() as logs:
            assert await later.begin(TELEMETRY) == {TopicPartition(TELEMETRY, 0): 50}
        assert ["records lost" in log["event"] for log in logs if log["log_level"] == "error"] == [True]
        await later.projector.project(batch(TELEMETRY, numbered([reading()], first=50)))
    assert await world.position(TELEMETRY) == 51


class FlakyDeadLetters:
    """Loses the database's connections after the letters are safe."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection, self.sent = connection, 0

    async def send(self, tp: TopicPartition, refused: Sequence[Refused]) -> None:
        self.sent += len(refused)
        await _break_connections(self.connection)


async def _break_connections(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'weir-projector'"
    )


async def test_a_broken_connection_is_mended_and_dead_letters_are_sent_once(world: World, new_world: NewWorld) -> None:
    letters = FlakyDeadLetters(world.connection)
    async with new_world(dead_letters=letters) as flaky:
        await flaky.begin(TELEMETRY)
        await flaky.projector.project(batch(TELEMETRY, numbered([reading(), b"bad", reading()])))
    assert letters.sent == 1
    assert len(await world.rows("SELECT * FROM telemetry")) == 2
    assert await world.position(TELEMETRY) == 3


async def test_a_commit_whose_answer_is_lost_is_looked_up(world: World, new_world: NewWorld) -> None:
    """The server commits, the connection breaks, and the projector writes nothing twice and stays the owner."""
    records = numbered(cooling("a").values)
    async with lossy_proxy(world.url) as proxy, new_world(proxy.url) as unlucky:
        await unlucky.begin(EVENTS)
        proxy.wanted = 1
        await unlucky.projector.project(batch(EVENTS, records[:9]))
        assert (proxy.wanted, proxy.count) == (0, 1)
        await unlucky.projector.project(batch(EVENTS, records[9:]))
    assert len(await world.rows("SELECT * FROM process_history")) == 15
