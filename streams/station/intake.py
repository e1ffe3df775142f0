"""Positions and messages of people, from their topics into the station's tables.

    batch ─ decode ─┬─► sightings, messages ─ presence ─► rows and events ┐
                    │                                                     ├─ one transaction with the position
                    └─► no reading of ours: dead letters ─────────────────┘

Order, and why: the position of the partition first, so that of two owners one fails before it writes; then the zones,
shared with others who read them; then the rows of the people, by id, so that no two transactions wait for each other.
Events and dead letters go to the outbox, so what a batch leads to comes about once, whatever happens.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from streams.core.clock import PlantClock
from streams.core.durations import instant
from streams.database import Database
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.records import Record
from streams.station.decoding import Decoded, decode
from streams.station.outbox import Outgoing, put, put_events
from streams.station.presence import People, take_messages, take_positions
from streams.station.rows import bot_of, fix_of, zone_of
from streams.station.sql import (
    ACTIVE_ZONES,
    ENABLED_BOTS,
    SHARE_ZONES,
    ZONES_LOCK,
    add_messages,
    enter_all,
    leave_all,
    users_of,
)
from streams.transport.port import TopicPartition

Starts = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]

log = structlog.get_logger("weir.station")

IS_THERE = "SELECT to_regclass('station_positions')::text"
"""Whether somebody has made the tables."""
_BEGIN = "INSERT INTO station_positions (topic, partition, position) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_POSITIONS = "SELECT topic, partition, position FROM station_positions WHERE topic = ANY ($1::text[])"
_POSITION = "SELECT position FROM station_positions WHERE topic = $1 AND partition = $2"
_MOVE = """
    UPDATE station_positions SET position = $4 WHERE topic = $1 AND partition = $2 AND position = $3 RETURNING true
"""
_REGISTER = """
    INSERT INTO users (id, name, registered_at) SELECT id, id, $2 FROM unnest($1::text[]) AS new (id) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING id
"""
_FIXES = "SELECT user_id, lat, lon, accuracy_m, time FROM positions WHERE user_id = ANY ($1::text[])"
_INSIDE = """
    SELECT user_id, zone_id, (extract(epoch FROM since) * 1000)::bigint AS since_ms FROM zone_members
    WHERE user_id = ANY ($1::text[])
"""
_SEEN = """
    UPDATE users SET online = true, seen_at = greatest(users.seen_at, new.seen_at)
    FROM unnest($1::text[], $2::timestamptz[]) AS new (id, seen_at) WHERE users.id = new.id
"""
_KNOWN = "SELECT id FROM messages WHERE id = ANY ($1::text[])"
_PUT_FIXES = """
    INSERT INTO positions (user_id, lat, lon, accuracy_m, time)
    SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], $5::timestamptz[])
    ON CONFLICT (user_id) DO UPDATE SET
        lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m, time = excluded.time
"""


class NotOwnerError(Exception):
    """Another worker has moved the position of the partition: nothing was written, and the process has to end."""


@dataclass
class Counts:
    """Totals since the start of the process."""

    positions: int = 0
    messages: int = 0
    entries: int = 0
    exits: int = 0
    dead: int = 0


@dataclass
class _Work:
    tp: TopicPartition
    old: int
    end: int
    decoded: Decoded
    wall_ms: int
    committing: bool = False
    """A commit was begun; whether it took place is known to the database only."""


class Intake:
    """Takes the topics ``positions`` and ``messages`` in.

    For one partition calls come one after another: ``positions`` when it is assigned, then ``take`` with contiguous
    batches from there.
    """

    def __init__(self, database: Database, clock: PlantClock, dead_letters: str, starts: Starts) -> None:
        """``dead_letters`` is the topic for them; ``starts`` tells where partitions begin."""
        self._database, self._clock = database, clock
        self._dead_letters, self._starts = dead_letters, starts
        self._positions: dict[TopicPartition, int] = {}
        self.counts = Counts()

    async def positions(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Where to read from; what a topic has lost before it was taken in is told, and passed over."""
        if not tps:
            return {}
        starts = await self._starts(tps)

        async def begin() -> dict[TopicPartition, int]:
            async with self._database.connection() as connection, connection.transaction():
                await connection.executemany(_BEGIN, [(tp.topic, tp.partition, starts[tp]) for tp in tps])
                rows = await connection.fetch(_POSITIONS, list({tp.topic for tp in tps}))
                found = {TopicPartition(row["topic"], row["partition"]): row["position"] for row in rows}
                for tp in tps:
                    if found[tp] < starts[tp]:
                        log.error(
                            "records lost: retention was shorter than the station's absence",
                            topic=tp.topic, partition=tp.partition, records=starts[tp] - found[tp],
                        )  # fmt: skip
                        await connection.execute(_MOVE, tp.topic, tp.partition, found[tp], starts[tp])
                        found[tp] = starts[tp]
                return {tp: found[tp] for tp in tps}

        found = await self._database.patiently("reading the station's positions", begin)
        self._positions |= found
        return dict(found)

    async def take(self, tp: TopicPartition, records: Sequence[Record], end: int, now_ms: float) -> None:
        """Returns when what the batch leads to is committed.  ``now_ms`` is wall time.  Raises ``NotOwnerError``."""
        decoded = decode(tp, records, self._clock)
        work = _Work(tp, self._positions[tp], end, decoded, int(now_ms))
        people = await self._database.patiently("taking positions and messages in", lambda: self._write(work))
        self._positions[tp] = end
        if people is not None:
            self._count(people, decoded)

    def _count(self, people: People, decoded: Decoded) -> None:
        counts = self.counts
        counts.positions += len(decoded.sightings)
        counts.messages += len(decoded.messages)
        counts.dead += len(decoded.dead)
        counts.entries += sum(event.name == "zone_entry" for event in people.events)
        counts.exits += sum(event.name == "zone_exit" for event in people.events)

    async def _write(self, work: _Work) -> People | None:
        """``None`` when an earlier attempt had committed before its connection broke."""
        async with self._database.connection() as connection:
            async with connection.transaction():
                if not await connection.fetchval(_MOVE, work.tp.topic, work.tp.partition, work.old, work.end):
                    position = await connection.fetchval(_POSITION, work.tp.topic, work.tp.partition)
                    if work.committing and position == work.end:
                        return None
                    raise NotOwnerError(
                        f"Expected {work.tp.topic}/{work.tp.partition} at position {work.old}, but the database has "
                        f"{position}: another worker owns the partition now"
                    )
                people = await _change(connection, work.decoded, self._clock.plant_ms(work.wall_ms))
                letters = [one.record(work.wall_ms) for one in work.decoded.dead]
                await put(
                    connection, [Outgoing(self._dead_letters, DEAD_LETTERS_PARTITION, *letter) for letter in letters]
                )
                work.committing = True
            return people


async def _change(connection: asyncpg.Connection, decoded: Decoded, now_ms: int) -> People:
    """Have the people's rows say what was decoded, and put the events of that into the outbox."""
    ids = decoded.people()
    if not ids:
        return People()
    await connection.execute(SHARE_ZONES, ZONES_LOCK)
    new = {row["id"] for row in await connection.fetch(_REGISTER, ids, instant(now_ms))}
    people = People(users=await users_of(connection, ids, change=True), new=new)
    people.fixes = {row["user_id"]: fix_of(row) for row in await connection.fetch(_FIXES, ids)}
    for row in await connection.fetch(_INSIDE, ids):
        people.inside.setdefault(row["user_id"], {})[row["zone_id"]] = row["since_ms"]
    before = _members(people)
    if decoded.sightings:
        zones = [zone_of(row) for row in await connection.fetch(ACTIVE_ZONES)]
        take_positions(people, zones, decoded.sightings)
    if decoded.messages:
        bots = [bot_of(row) for row in await connection.fetch(ENABLED_BOTS)]
        rows = await connection.fetch(_KNOWN, sorted(decoded.named)) if decoded.named else []
        take_messages(people, bots, decoded.messages, known={row["id"] for row in rows})
    await _save(connection, people, ids, before)
    return people


def _members(people: People) -> dict[tuple[str, str], int]:
    """By zone and user, since when they are inside."""
    return {(zone, user): since for user, zones in people.inside.items() for zone, since in zones.items()}


async def _save(
    connection: asyncpg.Connection, people: People, ids: list[str], before: dict[tuple[str, str], int]
) -> None:
    """``before`` are the members as the table has them.  Who has left and come again is one anew."""
    await connection.execute(_SEEN, ids, [instant(people.users[user_id].seen_ms or 0) for user_id in ids])
    if people.moved:
        fixes = [(user_id, *people.fixes[user_id]) for user_id in sorted(people.moved)]
        rows = [(user_id, at.lat, at.lon, accuracy, instant(ms)) for user_id, at, ms, accuracy in fixes]
        await connection.execute(_PUT_FIXES, *zip(*rows, strict=True))
    after = _members(people)
    await leave_all(connection, sorted(one for one, since in before.items() if after.get(one) != since))
    await enter_all(connection, sorted((*one, since) for one, since in after.items() if before.get(one) != since))
    await add_messages(connection, people.messages)
    await put_events(connection, people.events)
