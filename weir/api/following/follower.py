"""The one consumer of the gateway: what is committed to events, rejections and dead letters, from when it started.

Events are decoded only for who waits for one.  When Kafka goes away it goes on where it was.
"""

import asyncio
from typing import Any, NoReturn

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from streams.codec import decode_event
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import reason_of, source_of
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from weir.api.following.endings import Endings
from weir.api.following.feed import Feed
from weir.api.following.lately import Lately
from weir.api.following.outcomes import Outcomes
from weir.watch import Refused

POLL_MS = 500
RETRY_S = 1.0

log = structlog.get_logger("weir.api")


class Follower:
    """``serve`` runs beside the requests."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings, self._topics = settings, topics
        self._positions: dict[TopicPartition, int] = {}
        self.ready = asyncio.Event()
        """From then on nothing is missed, also while it is connecting again."""
        self.outcomes, self.endings, self.lately, self.feed = Outcomes(), Endings(), Lately(), Feed()

    @property
    def events_topic(self) -> str:
        """The name of ``process-events``."""
        return self._topics.events.name

    def event_positions(self) -> dict[int, int]:
        """Up to where events were read, by partition."""
        name = self.events_topic
        return {place.partition: offset for place, offset in self._positions.items() if place.topic == name}

    async def serve(self) -> NoReturn:
        """Follow, however long Kafka takes to come, until cancelled."""
        while True:
            consumer = AIOKafkaConsumer(
                enable_auto_commit=False, isolation_level="read_committed", **client_options(self._settings)
            )
            try:
                await consumer.start()
                await self._follow(consumer)
            except KafkaError as error:
                log.warning("cannot follow what becomes of commands", error=str(error), again_in_s=RETRY_S)
            finally:
                await consumer.stop()
            await asyncio.sleep(RETRY_S)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        places = await self._places()
        consumer.assign(places)
        if new := [place for place in places if place not in self._positions]:
            self._positions |= await consumer.end_offsets(new)
        for place in places:
            consumer.seek(place, self._positions[place])
        self.ready.set()
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS)
            for place, records in fetched.items():
                for record in records:
                    self._take(place, record)
                self._positions[place] = records[-1].offset + 1
            if fetched:
                self.feed.batch_ended(self.event_positions)
            for partition in self.outcomes.unsettled():
                place = TopicPartition(self._topics.events.name, partition)
                if place not in fetched or await self._at_end(consumer, place):
                    self.outcomes.settled(partition)

    async def _places(self) -> list[TopicPartition]:
        """Every partition, by the broker's own number.  Raises ``KafkaError``, also when a topic is not there yet."""
        names = [self._topics.events.name, self._topics.rejections.name]
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        try:
            await admin.start()
            described = await admin.describe_topics(names)
        finally:
            await admin.close()
        found = [TopicPartition(self._topics.dead_letters.name, DEAD_LETTERS_PARTITION)]
        for one in described:
            if one["error_code"]:
                raise UnknownTopicOrPartitionError(one["topic"])
            found += [TopicPartition(one["topic"], partition["partition"]) for partition in one["partitions"]]
        return found

    async def _at_end(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> bool:
        stable = consumer.last_stable_offset(place)
        return stable is not None and await consumer.position(place) >= stable

    def _take(self, place: TopicPartition, record: ConsumerRecord) -> None:
        if place.topic == self._topics.events.name:
            self._take_event(place.partition, record)
        elif place.topic == self._topics.rejections.name:
            found: dict[str, Any] = msgspec.json.decode(record.value)
            place_of = found["partition"], found["offset"]
            refusal = Refused(*place_of, found["reason"], found["message"], found["subject"])
            self.lately.refused(found["command_id"], refusal)
            self.outcomes.refused(found["command_id"], refusal)
        else:
            source = source_of(record.headers)
            if source is not None and source.topic == self._topics.commands.name:
                self.outcomes.dead_lettered(source.partition, source.offset, reason_of(record.headers))

    def _take_event(self, partition: int, record: ConsumerRecord) -> None:
        self.feed.event(record)
        waits = self.outcomes.waits_in(partition)
        type_ = record.headers[0][1] if record.headers else b""
        ends = self.endings.waits_for(record.key, type_)
        if not (waits or ends):
            return
        event = decode_event(record.value)
        if waits:
            self.outcomes.event(partition, event)
        if ends:
            self.endings.ended(event)
