"""What there is in the end: telemetry in its topic and in the database, and how the followed processes went."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.codec import BadRecordError, decode_event, decode_reading
from streams.core.events import OUTSIDE, Event
from streams.core.triggers.station import STATION_TOPIC
from streams.log import Log
from streams.records import Record
from streams.settings import Settings
from streams.station.decoding import POSITIONS
from streams.station.events import stable_id
from streams.topics import Topics
from streams.transport.port import TopicPartition
from tests.chaos.load.devices import HOT_FROM
from tests.chaos.load.devices import TOPIC as TELEMETRY
from tests.chaos.load.walkers import AT, ZONE
from tests.chaos.sent import Book
from weir.database import connected
from weir.verify.sent import Reading

STARTED = "hot"
FOLLOWED = frozenset({"saga", "team", "part"})
ENTERED = "visit"
ENTRY, EXIT = "zone_entry", "zone_exit"
Place = tuple[int, int]
Where = tuple[str, int, int]
"""Topic, partition, offset."""


class Marked(NamedTuple):
    """A reading of the load."""

    mark: str
    temperature: float


class Stride(NamedTuple):
    """A position of a walker; ``time_ms`` is when they were there, as the station has it."""

    walker: str
    inside: bool
    time_ms: int
    cause: str


@dataclass
class Evidence:
    """Places are (partition, offset) on the topic of the devices."""

    book: Book
    readings: dict[Place, Marked] = field(default_factory=dict)
    projectable: set[Where] = field(default_factory=set)
    """Of every topic of telemetry that is used; also what only the router or the station refuses."""
    rows: Counter[Where] = field(default_factory=Counter)
    strides: list[Stride] = field(default_factory=list)
    """Those of one walker in their order."""
    moves: Counter[str] = field(default_factory=Counter)
    """Ids of the events that tell of the zone."""
    entries: dict[Place, bool] = field(default_factory=dict)
    """Places of the station's events, and whether they tell of an entry."""
    effects: list[tuple[str, str]] = field(default_factory=list)
    """What the world has seen: idempotency key and text, in the order of arrival."""
    lives: dict[str, list[Event]] = field(default_factory=dict)
    """Events of the instances of ``FOLLOWED``."""

    def of(self, definition: str) -> Iterator[tuple[str, int, list[Event]]]:
        """Instances of a definition, their number ``n``, and their events."""
        for instance, events in self.lives.items():
            if events[0].definition_id == definition:
                yield instance, events[0].data["variables"]["n"], events

    def told(self, instance: str) -> list[str]:
        """What the world has heard of an instance, each execution of an action once."""
        heard = dict.fromkeys(one for one in self.effects if one[0].startswith(f"{instance}:"))
        return [text for _, text in heard]

    def expected(self) -> Iterator[Reading]:
        """What each reading must start, for the checker."""
        for (partition, offset), marked in self.readings.items():
            yield Reading(TELEMETRY, partition, offset, (STARTED,) if marked.temperature > HOT_FROM else ())
        for (partition, offset), entry in self.entries.items():
            yield Reading(STATION_TOPIC, partition, offset, (ENTERED,) if entry else ())

    def moves_expected(self) -> Iterator[str]:
        """Ids of the events that must tell of the zone."""
        inside: set[str] = set()
        latest: dict[str, int] = {}
        for walker, is_inside, time_ms, cause in self.strides:
            if time_ms <= latest.get(walker, 0):
                continue
            latest[walker] = time_ms
            if is_inside is (walker in inside):
                continue
            inside ^= {walker}
            yield stable_id(cause, ENTRY if is_inside else EXIT, walker, ZONE)

    def take(self, topic: str, partition: int, record: Record) -> None:
        """A record of a topic of telemetry."""
        try:
            reading = decode_reading(record.value)
        except BadRecordError:
            return
        self.projectable.add((topic, partition, record.offset))
        tags, fields = reading.get("tags", {}), reading.get("fields", {})
        if topic == TELEMETRY and "mark" in fields:
            self.readings[partition, record.offset] = Marked(fields["mark"], fields["flow_temp_c"])
        elif topic == POSITIONS:
            time_ms = min(record.timestamp, round(reading["timestamp"] * 1000))
            cause = f"{topic}/{partition}/{record.offset}"
            self.strides.append(Stride(tags["user_id"], fields["lat"] == AT.lat, time_ms, cause))
        elif topic == STATION_TOPIC:
            self._told(tags, (partition, record.offset))

    def _told(self, tags: dict[str, Any], place: Place) -> None:
        self.entries[place] = tags["event"] == ENTRY
        if tags["event"] in {ENTRY, EXIT}:
            self.moves[tags["event_id"]] += 1


async def gather(log: Log, settings: Settings, topics: Topics, book: Book) -> Evidence:
    """Read it all."""
    evidence = Evidence(book)
    for topic in topics.telemetry.values():
        tps = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        async for chunk in log.read(await log.settled(tps)):
            for record in chunk.records:
                evidence.take(*chunk.tp, record)
    for number in range(topics.partitions):
        async for chunk in log.read(await log.settled([TopicPartition(topics.events.name, number)])):
            for record in chunk.records:
                event = decode_event(record.value)
                if event.definition_id in FOLLOWED and not event.subject.startswith(OUTSIDE):
                    evidence.lives.setdefault(event.subject, []).append(event)
    async with connected(settings, command_timeout_s=None) as connection:
        rows = await connection.fetch("SELECT topic, record_partition, record_offset FROM telemetry")
    evidence.rows.update(map(tuple, rows))
    return evidence
