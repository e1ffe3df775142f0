"""What becomes of a command, read from the topics.

    process-events       an event whose cause is the command's record          ─► Accepted
    process-rejections   a rejection of that record, or with the command's id  ─► Refused
    process-dead-letters the record itself                                     ─► DeadLettered

A watch begins where the topics ended before the command was sent, so it needs no database and sees the truth: what is
there has been committed.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.codec import decode_event
from streams.core.commands import TopicCommand
from streams.core.events import Event
from streams.deadletters import reason_of, source_of

POLL_MS = 200
ENDED = frozenset({"completed", "failed", "timed_out", "cancelled"})


class NoAnswerError(Exception):
    """Nothing was heard of a command in time.  Kafka has it, so it will still be decided, once."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command was decided at (partition, offset); ``events`` are what it led to at once, in order."""

    partition: int
    offset: int
    events: list[Event]

    @property
    def subjects(self) -> list[str]:
        """The instances (or the key, or the definition) that the events are about, each once."""
        return list(dict.fromkeys(event.subject for event in self.events))


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was refused: ``reason`` is for programs, ``message`` for people, ``subject`` in the way."""

    partition: int
    offset: int
    reason: str
    message: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The command could not be used; the raw record is on ``process-dead-letters``."""

    partition: int
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The event that ended an instance, and its variables then."""

    event: Event
    variables: dict[str, Any]


Outcome = Accepted | Refused | DeadLettered


@dataclass(frozen=True, slots=True)
class Watched:
    """The partitions in which a command's outcome appears."""

    events: TopicPartition
    rejections: TopicPartition
    dead_letters: TopicPartition


class Watch:
    """What becomes of one command.  ``place`` is its record's (topic, partition, offset)."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        watched: Watched,
        events_from: int,
        place: tuple[str, int, int],
        command: TopicCommand,
    ) -> None:
        self._consumer = consumer
        self._watched = watched
        self._events_from = events_from
        self._topic, self.partition, self.offset = place
        self._command = command

    async def outcome(self, timeout_s: float) -> Outcome:
        """Wait until the command has been decided.  Raises ``NoAnswerError``."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for place, records in (await self._consumer.getmany(timeout_ms=POLL_MS)).items():
                        for record in records:
                            if (found := self._match(place, record)) is not None:
                                return await self._whole(found)
        except TimeoutError:
            raise NoAnswerError(
                f"Expected an answer to {self._command.__struct_config__.tag} within {timeout_s:g} s, but got none. "
                f"The broker has the command (partition {self.partition}, offset {self.offset}), so it will be decided "
                "once a processor runs: see `weir status`"
            ) from None

    async def ended(self, instance_id: str, timeout_s: float) -> Ended:
        """The end of an instance which the command has started.  Raises ``NoAnswerError``."""
        self._consumer.seek(self._watched.events, self._events_from)
        subject = instance_id.encode()
        variables: dict[str, Any] = {}
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    fetched = await self._consumer.getmany(self._watched.events, timeout_ms=POLL_MS)
                    for record in fetched.get(self._watched.events, []):
                        if record.key != subject:
                            continue
                        event = decode_event(record.value)
                        if event.type == "started":
                            variables = dict(event.data["variables"])
                        elif event.type == "variable_changed":
                            variables[event.data["name"]] = event.data["value"]
                        elif event.type in ENDED:
                            return Ended(event, variables)
        except TimeoutError:
            raise NoAnswerError(
                f"Expected instance {instance_id} to end in time, but it still runs. "
                f"Watch it with `weir history {instance_id} --follow`"
            ) from None

    def _match(self, place: TopicPartition, record: ConsumerRecord) -> Outcome | None:
        if place == self._watched.events:
            event = decode_event(record.value)
            return Accepted(self.partition, self.offset, [event]) if self._caused(event) else None
        if place == self._watched.dead_letters:
            if source_of(record.headers) != (self._topic, self.partition, self.offset):
                return None
            return DeadLettered(self.partition, self.offset, reason_of(record.headers))
        refused: dict[str, Any] = msgspec.json.decode(record.value)
        same_place = (refused["partition"], refused["offset"]) == (self.partition, self.offset)
        if not same_place and refused["command_id"] != self._command.id:
            return None
        return Refused(self.partition, self.offset, refused["reason"], refused["message"], refused["subject"])

    async def _whole(self, outcome: Outcome) -> Outcome:
        """All events of the command: they came in one transaction, so what is committed now holds them."""
        if not isinstance(outcome, Accepted):
            return outcome
        events = self._watched.events
        end = (await self._consumer.end_offsets([events]))[events]
        self._consumer.seek(events, self._events_from)
        found: list[Event] = []
        while await self._consumer.position(events) < end:
            fetched = await self._consumer.getmany(events, timeout_ms=POLL_MS)
            decoded = [decode_event(record.value) for record in fetched.get(events, [])]
            found.extend(event for event in decoded if self._caused(event))
        return Accepted(self.partition, self.offset, found)

    def _caused(self, event: Event) -> bool:
        return event.cause == f"{self.partition}:{self.offset}"
