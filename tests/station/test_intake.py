"""Positions and messages on their way into the database: everything once, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import asyncpg
import orjson
import pytest

from streams.core.clock import PlantClock
from streams.core.durations import instant, instant_text
from streams.database import Database
from streams.retries import Retry
from streams.station.geometry import Circle
from streams.station.intake import Intake, NotOwnerError
from streams.station.model import Bot, BotTrigger, Zone
from streams.station.outbox import outgoing
from streams.station.silence import forget_done, tell_silent
from streams.transport.port import TopicPartition
from tests.station.databases import Memory, Postgres
from tests.station.world import FAR, HOME

NOW_MS = 1_386_656_700_000
Port = Memory | Postgres
ZONE = Zone("home", "Home", Circle(HOME, 100.0))
POSITIONS, MESSAGES = TopicPartition("positions", 0), TopicPartition("messages", 0)


OPEN: list[Database] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Sent(NamedTuple):
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = NOW_MS
    headers: tuple[tuple[str, bytes], ...] = ()


def position(offset: int, user_id: Any, lat: Any = HOME.lat, lon: Any = HOME.lon, **more: Any) -> Sent:
    fields, at = {"lat": lat, "lon": lon, **more}, instant_text(NOW_MS - 60_000 + 1_000 * offset)
    return Sent(offset, orjson.dumps({"tags": {"user_id": user_id}, "fields": fields, "timestamp": at}))


def message(offset: int, user_id: str, text: Any, **tags: Any) -> Sent:
    return Sent(offset, orjson.dumps({"tags": {"user_id": user_id, **tags}, "fields": {"text": text}}))


def intake(url: str, starts: dict[TopicPartition, int] | None = None) -> Intake:
    async def first(tps: Any) -> dict[TopicPartition, int]:
        return {tp: (starts or {}).get(tp, 0) for tp in tps}

    OPEN.append(Database(url))
    return Intake(OPEN[-1], PlantClock(), "dead", first)


async def take(one: Intake, tp: TopicPartition, *records: Sent) -> None:
    await one.take(tp, records, records[-1].offset + 1, NOW_MS)


async def outbox(database: Port) -> list[tuple[str, str]]:
    """(event, user) of each, in order."""
    rows = sorted(await database.rows("station_outbox"), key=lambda row: row["id"])
    tags = [orjson.loads(row["value"])["tags"] for row in rows if row["topic"] == "station-events"]
    return [(one["event"], one["user_id"]) for one in tags]


async def test_positions_become_rows_and_events(database: Port) -> None:
    await database.add_zone(ZONE)
    one = intake(database.url)
    assert await one.positions([POSITIONS]) == {POSITIONS: 0}
    await take(one, POSITIONS, position(0, "ann"), position(1, 7.0, FAR.lat), position(2, "ann", accuracy_m=4))
    assert await outbox(database) == [
        ("user_registered", "ann"), ("user_online", "ann"), ("zone_entry", "ann"),
        ("user_registered", "7"), ("user_online", "7"),
    ]  # fmt: skip
    await take(one, POSITIONS, position(3, "ann", FAR.lat))
    assert (await outbox(database))[-1] == ("zone_exit", "ann")
    rows = await database.rows("positions")
    assert sorted((row["user_id"], row["lat"], row["accuracy_m"], row["time"]) for row in rows) == [
        ("7", FAR.lat, 0.0, instant(NOW_MS - 59_000)), ("ann", FAR.lat, 0.0, instant(NOW_MS - 57_000)),
    ]  # fmt: skip
    assert await database.rows("zone_members") == []
    assert one.counts.positions == 4
    assert (one.counts.entries, one.counts.exits) == (1, 1)


async def test_who_leaves_and_comes_again_in_one_batch_is_inside_since_then(database: Port) -> None:
    await database.add_zone(ZONE)
    one = intake(database.url)
    await one.positions([POSITIONS])
    await take(one, POSITIONS, position(0, "ann"))
    await take(one, POSITIONS, position(1, "ann", FAR.lat), position(2, "ann"))
    assert (await outbox(database))[-3:] == [("zone_entry", "ann"), ("zone_exit", "ann"), ("zone_entry", "ann")]
    assert [row["since"] for row in await database.rows("zone_members")] == [instant(NOW_MS - 58_000)]


async def test_a_worker_that_comes_again_goes_on_where_the_last_one_was(database: Port) -> None:
    await database.add_zone(ZONE)
    first, second = intake(database.url), intake(database.url)
    for one in (first, second):
        await one.positions([POSITIONS])
    await take(first, POSITIONS, position(0, "ann"))
    with pytest.raises(NotOwnerError, match=r"Expected positions/0 at position 0, but the database has 1"):
        await take(second, POSITIONS, position(0, "ann"))
    assert await second.positions([POSITIONS]) == {POSITIONS: 1}
    await take(second, POSITIONS, position(1, "ann", FAR.lat))
    assert [name for name, _ in await outbox(database)] == [
        "user_registered", "user_online", "zone_entry", "zone_exit",
    ]  # fmt: skip


async def test_what_was_committed_when_the_connection_broke_is_not_done_again(
    station_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, broken = Postgres(station_url), 0

    async def breaks_after_its_commit(self: asyncpg.transaction.Transaction) -> None:
        nonlocal broken
        await commit(self)
        if broken < 1:
            broken += 1
            raise ConnectionResetError("the answer was lost")

    one = intake(database.url)
    await one.positions([POSITIONS])
    commit = asyncpg.transaction.Transaction._Transaction__commit  # type: ignore[attr-defined]
    monkeypatch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", breaks_after_its_commit)
    await take(one, POSITIONS, position(0, "ann"))
    assert broken == 1
    assert await outbox(database) == [("user_registered", "ann"), ("user_online", "ann")]
    database.close()


async def test_two_partitions_that_see_somebody_new_register_them_once(database: Port) -> None:
    one = intake(database.url)
    tps = [TopicPartition("positions", number) for number in range(4)]
    await one.positions(tps)
    await asyncio.gather(
        *(take(one, tp, position(tp.partition, "ann"), position(tp.partition + 1, "ben")) for tp in tps)
    )
    names = await outbox(database)
    assert sorted(names) == [
        ("user_online", "ann"), ("user_online", "ben"), ("user_registered", "ann"), ("user_registered", "ben"),
    ]  # fmt: skip


async def test_a_message_is_kept_and_told_and_a_bot_hears_it(database: Port) -> None:
    await database.add_bot(Bot("b", "B", (BotTrigger("help", "help"),)))
    one = intake(database.url)
    await one.positions([MESSAGES])
    await take(one, MESSAGES, message(0, "ann", "Help!", channel="night"), message(1, "ann", "Thanks"))
    assert [name for name, _ in await outbox(database)] == [
        "user_registered", "user_online", "message_received", "bot_trigger_fired", "message_received",
    ]  # fmt: skip
    rows = sorted(await database.rows("messages"), key=lambda row: row["text"])
    columns = ("direction", "user_id", "channel", "text")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("in", "ann", "night", "Help!"), ("in", "ann", None, "Thanks"),
    ]  # fmt: skip


async def test_a_message_that_its_sender_has_named_is_told_once(database: Port) -> None:
    one = intake(database.url)
    await one.positions([MESSAGES])
    named, other = ((("idempotency-key", name),) for name in (b"write-1", b"write-2"))
    await take(one, MESSAGES, *(message(at, "ann", "Help!")._replace(headers=named) for at in (0, 1)))
    await take(
        one, MESSAGES, *(message(2 + at, "ann", "Help!")._replace(headers=h) for at, h in enumerate((named, other)))
    )
    assert [name for name, _ in await outbox(database)].count("message_received") == 2
    assert [row["text"] for row in await database.rows("messages")] == ["Help!", "Help!"]


@pytest.mark.parametrize(
    ("tp", "bad", "why"),
    [
        (POSITIONS, Sent(0, b"no json"), "Expected a reading as JSON"),
        (POSITIONS, Sent(0, None), "Expected a reading"),
        (POSITIONS, position(0, None), "Expected a user in tags.user_id"),
        (POSITIONS, position(0, "u" * 201), "Expected a user in tags.user_id"),
        (POSITIONS, position(0, "ann", 91), "Expected lat from -90 to 90 and lon from -180 to 180, but got 91"),
        (POSITIONS, position(0, "ann", "48.2"), "but got '48.2'"),
        (MESSAGES, message(0, "ann", ""), "Expected a text of 1 to 4000 characters"),
        (MESSAGES, message(0, "ann", 5), "but got 5"),
        (MESSAGES, message(0, "ann", "a", channel="c" * 201), "Expected at most 200 characters in tags.channel"),
    ],
)
async def test_what_nobody_can_mean_becomes_a_dead_letter(
    database: Port, tp: TopicPartition, bad: Sent, why: str
) -> None:
    one = intake(database.url)
    await one.positions([tp])
    good = position(1, "ann") if tp is POSITIONS else message(1, "ann", "hi")
    await take(one, tp, bad, good)
    [row] = [row for row in await database.rows("station_outbox") if row["topic"] == "dead"]
    headers = {name: (value or b"").decode() for name, value in outgoing(row).headers}
    assert why in headers["weir_reason"]
    assert (headers["weir_role"], row["value"], row["partition"]) == ("station", bad.value, 0)
    assert ("user_online", "ann") in await outbox(database)
    assert one.counts.dead == 1


async def test_the_records_key_stands_for_a_user_that_the_reading_does_not_name(database: Port) -> None:
    one = intake(database.url)
    await one.positions([POSITIONS])
    fields = {"lat": 1, "lon": 2}
    await take(one, POSITIONS, Sent(0, orjson.dumps({"fields": fields}), b"ann"))
    assert (await outbox(database))[0] == ("user_registered", "ann")


async def test_a_letter_that_was_retried_for_another_role_is_not_ours(database: Port) -> None:
    one = intake(database.url)
    await one.positions([POSITIONS])
    headers = tuple(Retry("0:5", "router").headers())
    await take(one, POSITIONS, position(0, "ann")._replace(headers=headers))
    assert await outbox(database) == []


async def test_what_retention_has_taken_is_passed_over(database: Port) -> None:
    one = intake(database.url)
    await one.positions([POSITIONS])
    await take(one, POSITIONS, position(0, "ann"))
    later = intake(database.url, {POSITIONS: 50})
    assert await later.positions([POSITIONS, MESSAGES]) == {POSITIONS: 50, MESSAGES: 0}
    await take(later, POSITIONS, position(50, "ann"))


async def test_who_is_silent_for_long_is_offline_until_they_come_again(database: Port) -> None:
    one, own, clock = intake(database.url), Database(database.url), PlantClock()
    await one.positions([POSITIONS])
    await take(one, POSITIONS, position(0, "ann"), position(1, "ben"))
    assert await tell_silent(own, clock, 300, NOW_MS + 299_000) == 0
    assert await tell_silent(own, clock, 300, NOW_MS + 301_000) == 2
    assert await tell_silent(own, clock, 300, NOW_MS + 302_000) == 0
    await take(one, POSITIONS, position(2, "ann"))
    assert [one for one in await outbox(database) if one[0] != "user_registered"] == [
        ("user_online", "ann"), ("user_online", "ben"), ("user_offline", "ann"), ("user_offline", "ben"),
        ("user_online", "ann"),
    ]  # fmt: skip
    own.close()


async def test_actions_of_long_ago_are_forgotten(station_url: str, connection: asyncpg.Connection) -> None:
    await connection.execute(
        "INSERT INTO weir_done_actions VALUES ('old', '{}', now() - interval '61 days'), ('new', '{}', now())"
    )
    database = Database(station_url)
    await forget_done(database)
    assert [row["key"] for row in await connection.fetch("SELECT key FROM weir_done_actions")] == ["new"]
    database.close()
