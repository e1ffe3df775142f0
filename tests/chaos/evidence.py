"""What stands at the two ends of telemetry when everything is over: the topic, and the rows of the database."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.codec import BadRecordError, decode_reading
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
    async with connected(settings, command_timeout_s=None) as connection:
        rows = await connection.fetch("SELECT record_partition, record_offset FROM telemetry")
    evidence.rows.update((row["record_partition"], row["record_offset"]) for row in rows)
    return evidence
