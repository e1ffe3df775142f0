"""The verdict on the station: what it has told and what its rows say, against a fold of what people have sent.

What somebody sends is in one partition of each topic, so the log alone says who came into the zone and who left it, in
which order.  Who is online depends on time, too: that is told by turns, and in the end nobody is.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.core.durations import instant_ms
from streams.core.triggers.station import STATION_TOPIC
from streams.log import LogReader
from streams.records import Record
from streams.station.events import stable_id
from streams.topics import STATION_INPUTS
from streams.transport.port import TopicPartition
from tests.simulation.people import BAD_RECORDS, MESSAGES
from tests.simulation.rooms import BOT, PLACES, WORDS, ZONE
from tests.simulation.site import PARTITIONS
from tests.simulation.world import World
from tests.station.world import HOME
from weir.verify.report import Difference

Told = list[tuple[str, str, float | None]]
"""Names and ids of events, in their order, and for how many seconds somebody has been inside who has left."""
Check = tuple[str, str, Any, Any]
"""Of whom or what, what about them, what was expected, and what there is."""
MOVES = ("zone_entry", "zone_exit")
WRITTEN = ("message_received", "bot_trigger_fired")
PRESENT = ("user_online", "user_offline")


@dataclass
class Person:
    """What somebody has sent must lead to."""

    moves: Told = field(default_factory=list)
    written: Told = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)
    """Texts by id."""
    fix: tuple[float, int] | None = None
    """Latitude and time (Unix ms) of the last position that counts."""
    inside_since: int | None = None
    seen_ms: int = 0

    def walks(self, user: str, reading: dict[str, Any], arrived: int, cause: str) -> bool:
        """Whether the position counts."""
        lat, time_ms = reading["fields"]["lat"], min(arrived, reading["timestamp"])
        self.seen_ms = max(self.seen_ms, arrived)
        if self.fix is not None and time_ms <= self.fix[1]:
            return False
        self.fix = lat, time_ms
        was_inside = self.inside_since is not None
        is_inside = lat == HOME.lat or (was_inside and lat == HOME.lat + PLACES["edge"])
        if is_inside is not was_inside:
            stayed_s = None if self.inside_since is None else (time_ms - self.inside_since) / 1000
            self.inside_since = time_ms if is_inside else None
            name = MOVES[not is_inside]
            self.moves.append((name, stable_id(cause, name, user, ZONE), stayed_s))
        return True

    def writes(self, user: str, reading: dict[str, Any], arrived: int, cause: str) -> None:
        self.seen_ms = max(self.seen_ms, arrived)
        message_id, channel, text = stable_id(cause), reading["tags"]["channel"] or "", reading["fields"]["text"]
        self.messages[message_id] = text
        self.written.append((WRITTEN[0], stable_id(cause, WRITTEN[0], user, channel, message_id), None))
        if text.startswith(WORDS[0]):
            fired = stable_id(cause, WRITTEN[1], BOT.id, BOT.triggers[0].name, user, channel)
            self.written.append((WRITTEN[1], fired, None))


async def check_station(world: World, log: LogReader, counts: Counter[str]) -> list[Difference]:
    """What is wrong; what was done is added to ``counts``."""
    people: defaultdict[str, Person] = defaultdict(Person)
    async for tp, record in _records(log, *STATION_INPUTS):
        _take(people, tp, record, counts)
    told: defaultdict[str, Told] = defaultdict(list)
    async for _, record in _records(log, STATION_TOPIC):
        event = orjson.loads(record.value or b"")
        tags = event["tags"]
        told[tags["user_id"]].append((tags["event"], tags["event_id"], event["fields"].get("seconds")))
        counts[tags["event"]] += 1
    return [
        Difference("station", subject, None, f"{what}: expected {expected}, but got {got}")
        for subject, what, expected, got in (*_events(people, told), *_rows(world, people), *_ends(world))
        if expected != got
    ]


async def _records(log: LogReader, *topics: str) -> AsyncIterator[tuple[TopicPartition, Record]]:
    tps = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    async for chunk in log.read(await log.bounds(tps)):
        for record in chunk.records:
            yield chunk.tp, record


def _take(people: defaultdict[str, Person], tp: TopicPartition, record: Record, counts: Counter[str]) -> None:
    if record.value in BAD_RECORDS:
        counts["station_letters"] += 1  # that there is one of each, ``weir verify`` checks
        return
    reading, cause = orjson.loads(record.value or b""), f"{tp.topic}/{tp.partition}/{record.offset}"
    user = reading["tags"]["user_id"]
    person = people[user]
    if tp.topic == MESSAGES:
        person.writes(user, reading, record.timestamp, cause)
    elif not person.walks(user, reading, record.timestamp, cause):
        counts["position_passed_over"] += 1


def _events(people: Mapping[str, Person], told: Mapping[str, Told]) -> Iterator[Check]:
    """Each once, and in the order of what led to it."""
    yield "", "who is told of", sorted(people), sorted(told)
    for user, person in people.items():
        names = [name for name, _, _ in told[user]]
        yield user, "moves", person.moves, [one for one in told[user] if one[0] in MOVES]
        yield user, "written", person.written, [one for one in told[user] if one[0] in WRITTEN]
        present = [name for name in names if name in PRESENT]
        yield user, "presence", [PRESENT[at % 2] for at in range(len(present))], present
        yield user, "first", ["user_registered", "user_online"], names[:2]
        yield user, "last", PRESENT[1], names[-1] if names else None
        yield user, "registered", 1, names.count("user_registered")


def _rows(world: World, people: Mapping[str, Person]) -> Iterator[Check]:
    tables = world.database.tables.station
    users = {user: (False, person.seen_ms) for user, person in people.items()}
    yield "users", "rows", users, {one["id"]: (one["online"], instant_ms(one["seen_at"])) for one in _of(tables.users)}
    fixes = {user: person.fix for user, person in people.items() if person.fix is not None}
    found = {one["user_id"]: (one["lat"], instant_ms(one["time"])) for one in _of(tables.positions)}
    yield "positions", "rows", fixes, found
    inside = {user: person.inside_since for user, person in people.items() if person.inside_since is not None}
    members = {one["user_id"]: instant_ms(one["since"]) for one in _of(tables.zone_members)}
    yield "zone_members", "rows", inside, members
    texts = {one: text for person in people.values() for one, text in person.messages.items()}
    yield "messages", "rows", texts, {one["id"]: one["text"] for one in _of(tables.messages)}


def _of(table: Mapping[Any, Any]) -> Iterable[dict[str, Any]]:
    return table.values()


def _ends(world: World) -> Iterator[Check]:
    """All is taken in, and all of that is told."""
    positions = world.database.tables.station.station_positions
    for topic in STATION_INPUTS:
        for number in range(PARTITIONS):
            end = world.broker.log(TopicPartition(topic, number)).end
            yield f"{topic}/{number}", "position", end, positions.get((topic, number))
    yield "outbox", "records left", 0, len(world.database.tables.outbox.rows)
