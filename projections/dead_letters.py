"""Where records go that no table takes: ``process-dead-letters``."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer

from projections.feeds.base import place
from projections.feeds.telemetry import ROLE
from projections.records import Refused
from streams.deadletters import PARTITION, DeadLetter
from streams.kafka import client_options
from streams.settings import Settings
from streams.transport.port import TopicPartition

log = structlog.get_logger(__name__)

_MAX_REQUEST_BYTES = 10 * 1024 * 1024


class DeadLetters(Protocol):
    """Takes refused records out of the way without losing them."""

    async def send(self, tp: TopicPartition, refused: Sequence[Refused]) -> None:
        """Called before the batch's SQL transaction commits; returns when all of ``refused`` are kept for good.

        A crash between the two sends them again with the next attempt: a dead letter may come twice, never not at all.
        """
        ...


class DeadLetterTopic:
    """The topic of that name; acknowledged by all its replicas."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings, self._topic = settings, topic
        self._producer: AIOKafkaProducer | None = None

    async def send(self, tp: TopicPartition, refused: Sequence[Refused]) -> None:
        """Produce and wait for the acknowledgements.  Raises ``KafkaError``."""
        first = refused[0]
        log.warning(
            "records refused, to the dead letters",
            count=len(refused),
            first=place(tp, first.record),
            reason=first.reason,
        )
        producer = await self._started()
        now_ms = int(time.time() * 1000)
        sent = []
        for one in refused:
            key, value, headers = _letter(tp, one).record(now_ms)
            sent.append(await producer.send(self._topic, value, key=key, headers=headers, partition=PARTITION))
        for acknowledgement in sent:
            await acknowledgement

    async def close(self) -> None:
        """Leave the broker."""
        if self._producer is not None:
            await self._producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                acks="all",
                enable_idempotence=True,
                max_request_size=_MAX_REQUEST_BYTES,
                **client_options(self._settings),
            )
            await producer.start()
            self._producer = producer
        return self._producer


class DroppedDeadLetters:
    """Nowhere: for a replay, whose refused records are dead letters since they were first read."""

    async def send(self, tp: TopicPartition, refused: Sequence[Refused]) -> None:
        """Forget them."""


class KeptDeadLetters:
    """A list, for tests."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def send(self, tp: TopicPartition, refused: Sequence[Refused]) -> None:
        """Keep them."""
        self.letters += [_letter(tp, one) for one in refused]


def _letter(tp: TopicPartition, refused: Refused) -> DeadLetter:
    letter = DeadLetter.of(refused.record, tp.topic, tp.partition, refused.reason, ROLE)
    # aiokafka sends no record without key and value: there, an empty value stands for none.
    return replace(letter, value=b"") if letter.key is None and letter.value is None else letter
