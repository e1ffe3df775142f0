"""What there is in the end: telemetry in its topic and in the database, and how the followed processes went."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.codec import BadRecordError, decode_event, decode_reading
from streams.core.events import OUTSIDE, Event
from streams.log import Log
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from tests.chaos.load.devices import HOT_FROM
from tests.chaos.load.devices import TOPIC as TELEMETRY
from tests.chaos.sent import Book
from weir.database import connected
from weir.verify.sent import Reading

STARTED = "hot"
FOLLOWED = frozenset({"saga", "team", "part"})
Place = tuple[int, int]


class Marked(NamedTuple):
    """A reading of the load."""

    mark: str
    temperature: float


@dataclass
class Evidence:
    """Places are (partition, offset) on the telemetry topic."""

    book: Book
    readings: dict[Place, Marked] = field(default_factory=dict)
    projectable: set[Place] = field(default_factory=set)
    """Those, and what only the router refuses."""
    rows: Counter[Place] = field(default_factory=Counter)
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


async def gather(log: Log, settings: Settings, topics: Topics, book: Book) -> Evidence:
    """Read it all."""
    evidence = Evidence(book)
    topic = topics.telemetry[TELEMETRY]
    tps = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    async for chunk in log.read(await log.settled(tps)):
        for record in chunk.records:
            try:
                fields = decode_reading(record.value).get("fields", {})
            except BadRecordError:
                continue
            place = chunk.tp.partition, record.offset
            evidence.projectable.add(place)
            if "mark" in fields:
                evidence.readings[place] = Marked(fields["mark"], fields["flow_temp_c"])
    for number in range(topics.partitions):
        async for chunk in log.read(await log.settled([TopicPartition(topics.events.name, number)])):
            for record in chunk.records:
                event = decode_event(record.value)
                if event.definition_id in FOLLOWED and not event.subject.startswith(OUTSIDE):
                    evidence.lives.setdefault(event.subject, []).append(event)
    async with connected(settings, command_timeout_s=None) as connection:
        rows = await connection.fetch("SELECT record_partition, record_offset FROM telemetry")
    evidence.rows.update((row["record_partition"], row["record_offset"]) for row in rows)
    return evidence
