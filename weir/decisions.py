"""What has become of commands that were sent, perhaps by somebody who is gone: read from the topics.

Whoever goes on after a crash knows which commands there should be, by their ids, and not which of them were sent.
``sent`` tells, and where; ``outcomes`` what they led to.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from streams.codec import decode_event, decode_event_head
from streams.core.events import Event
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import reason_of, source_of
from streams.log import Log, Span, Spans, opened
from streams.records import Record
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.watch import Accepted, DeadLettered, Outcome, Refused

Place = tuple[int, int]
"""(partition, offset) of a command."""
Positions = dict[TopicPartition, int]
OPEN_S = 30.0
"""How long a transaction of somebody else may stay open."""
LOOK_S = 0.1


class _Id(msgspec.Struct):
    id: str | None = None


_decode_id = msgspec.json.Decoder(_Id).decode


class Decisions:
    """Over a log that is nobody else's at the same time.  Raises ``LogError`` and ``KafkaError``."""

    def __init__(self, log: Log, topics: Topics) -> None:
        self._log, self._topics = log, topics

    async def now(self) -> Positions:
        """Where the topics end."""
        return {tp: span.end for tp, span in (await self._log.bounds(self._places())).items()}

    async def since(self, unix_ms: int) -> Positions:
        """Where they were at that time (the broker's)."""
        return await self._log.since(self._places(), unix_ms)

    async def sent(self, positions: Positions, ids: Collection[str]) -> dict[str, Place]:
        """Of the commands with these ids those that are behind ``positions``, and where."""
        own = {tp: at for tp, at in positions.items() if tp.topic == self._topics.commands.name}
        ends = await self._log.settled(list(own), OPEN_S)
        found: dict[str, Place] = {}
        async for chunk in self._log.read(_behind(own, ends)):
            for record in chunk.records:
                id_ = _id_of(record)
                if id_ is not None and id_ in ids:
                    found.setdefault(id_, (chunk.tp.partition, record.offset))
        return found

    async def outcomes(self, positions: Positions, sent: Mapping[str, Place], timeout_s: float) -> dict[str, Outcome]:
        """What became of ``sent``, which lie behind ``positions``; what is not decided in time is left out."""
        partitions = {partition for partition, _ in sent.values()}
        letters = TopicPartition(self._topics.dead_letters.name, DEAD_LETTERS_PARTITION)
        followed = (self._topics.events.name, self._topics.rejections.name)
        at = {
            tp: position
            for tp, position in positions.items()
            if tp == letters or (tp.topic in followed and tp.partition in partitions)
        }
        found = _Found(self._topics, sent)
        deadline = time.monotonic() + timeout_s
        while True:
            ends = await self._log.bounds(list(at))
            async for chunk in self._log.read(_behind(at, ends)):
                for record in chunk.records:
                    found.take(chunk.tp, record)
            at = {tp: max(at[tp], span.end) for tp, span in ends.items()}
            outcomes = found.outcomes()
            if len(outcomes) == len(sent) or time.monotonic() > deadline:
                return outcomes
            await asyncio.sleep(LOOK_S)

    def _places(self) -> list[TopicPartition]:
        topics = self._topics
        all_of = [topics.commands, topics.events, topics.rejections, topics.dead_letters]
        return [TopicPartition(topic.name, number) for topic in all_of for number in range(topic.partitions)]


class _Found:
    """The outcomes of ``sent``, from what is read."""

    def __init__(self, topics: Topics, sent: Mapping[str, Place]) -> None:
        self._topics = topics
        self._ids = {place: id_ for id_, place in sent.items()}
        self._causes = {f"{partition}:{offset}": (partition, offset) for partition, offset in sent.values()}
        self._events: dict[Place, list[Event]] = {}
        self._others: dict[str, Outcome] = {}

    def take(self, tp: TopicPartition, record: Record) -> None:
        """A record of a topic that is followed."""
        if tp.topic == self._topics.events.name:
            place = self._causes.get(decode_event_head(record.value or b"").cause)
            if place is not None:
                self._events.setdefault(place, []).append(decode_event(record.value or b""))
        elif tp.topic == self._topics.rejections.name:
            told: dict[str, Any] = msgspec.json.decode(record.value or b"{}")
            place = told["partition"], told["offset"]
            if (id_ := self._ids.get(place)) is not None:
                self._others[id_] = Refused(*place, told["reason"], told["message"], told["subject"])
        else:
            source = source_of(record.headers)
            if source is not None and source.topic == self._topics.commands.name:
                place = source.partition, source.offset
                if (id_ := self._ids.get(place)) is not None:
                    self._others[id_] = DeadLettered(*place, reason_of(record.headers))

    def outcomes(self) -> dict[str, Outcome]:
        """Those that are known.  A command's events come in one transaction, so they are all there."""
        accepted = {self._ids[place]: Accepted(*place, events) for place, events in self._events.items()}
        return {**accepted, **self._others}


def _behind(positions: Mapping[TopicPartition, int], bounds: Spans) -> Spans:
    """From ``positions``, or from what is still there, to the ends."""
    return {tp: Span(max(at, bounds[tp].start), bounds[tp].end) for tp, at in positions.items()}


def _id_of(record: Record) -> str | None:
    try:
        return _decode_id(record.value or b"").id
    except msgspec.MsgspecError:
        return None


@asynccontextmanager
async def decisions(settings: Settings, topics: Topics) -> AsyncIterator[Decisions]:
    """Raises ``KafkaError`` when no broker is there."""
    async with opened(settings) as log:
        yield Decisions(log, topics)
