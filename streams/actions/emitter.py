"""How actions reach Kafka: one producer a worker; and the fake that keeps what it is given.

Both obey one contract (``tests/actions/test_emit.py``).  Only the plant's own topics, those under ``telemetry:`` in
topics.yaml, may be written: on Weir's topics every record has one writer, which is not an action.
"""

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.actions.base import ActionError, invalid_config, unavailable
from streams.core.suggest import suggest
from streams.records import IDEMPOTENCY_KEY

MAX_EVENT_BYTES = 1_000_000
TRACEPARENT = "traceparent"


class Emitted(NamedTuple):
    """A record to write; ``idempotency_key`` goes into a header."""

    topic: str
    key: str
    value: bytes
    idempotency_key: str
    traceparent: str | None = None


class Emitter(Protocol):
    """Writes events."""

    def check(self, event: Emitted) -> None:
        """Raises ``ActionError`` when the event may not be written."""
        ...

    async def emit(self, event: Emitted, timeout_s: float) -> tuple[int, int]:
        """Return when Kafka has acknowledged it: its partition and offset.  Raises ``ActionError``."""
        ...


class KafkaEmitter:
    """The real one."""

    def __init__(self, client: dict[str, Any], topics: Collection[str]) -> None:
        """``client`` is ``client_options(settings)``; ``topics`` are those that may be written."""
        self._client, self._topics = client, topics
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_request_size=2 * MAX_EVENT_BYTES, **self._client
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    def check(self, event: Emitted) -> None:
        check_event(event, self._topics)

    async def emit(self, event: Emitted, timeout_s: float) -> tuple[int, int]:
        assert self._producer is not None, "Expected the emitter to be started"
        self.check(event)
        headers = [(IDEMPOTENCY_KEY, event.idempotency_key.encode())]
        if event.traceparent is not None:
            headers.append((TRACEPARENT, event.traceparent.encode()))
        try:
            async with asyncio.timeout(timeout_s):
                sent = await self._producer.send_and_wait(
                    event.topic, event.value, key=event.key.encode(), headers=headers
                )
        except UnknownTopicOrPartitionError:
            raise unavailable(f"Topic {event.topic!r} is declared but not there yet: `weir topics apply`") from None
        except (MessageSizeTooLargeError, TopicAuthorizationFailedError) as error:
            raise ActionError(f"Kafka does not take the event: {type(error).__name__}", "event_refused") from None
        except (KafkaError, KafkaTimeoutError, TimeoutError) as error:
            words = f"{type(error).__name__}: {error}".rstrip(": ")
            raise unavailable(f"Kafka did not acknowledge the event within {timeout_s:.1f} s: {words}") from None
        return sent.partition, sent.offset


class FakeEmitter:
    """Keeps the events; with ``available`` false, a Kafka that cannot be reached."""

    def __init__(self, topics: Collection[str] = ()) -> None:
        self._topics = topics
        self.events: list[Emitted] = []
        self.available = True

    def check(self, event: Emitted) -> None:
        check_event(event, self._topics)

    async def emit(self, event: Emitted, timeout_s: float) -> tuple[int, int]:
        self.check(event)
        if not self.available:
            await asyncio.sleep(0)
            raise unavailable(f"The fake Kafka did not acknowledge the event within {timeout_s:.1f} s")
        self.events.append(event)
        return 0, len(self.events) - 1


def check_event(event: Emitted, topics: Collection[str]) -> None:
    """Raises ``ActionError`` for another topic, or too large an event."""
    if event.topic not in topics:
        hint = suggest(event.topic, sorted(topics), "topic")
        raise invalid_config(
            f"Expected a topic of the plant, but got {event.topic!r}. Add it under 'telemetry:' in topics.yaml. {hint}"
        )
    if len(event.value) > MAX_EVENT_BYTES:
        raise invalid_config(f"Expected an event of at most {MAX_EVENT_BYTES} bytes, but got {len(event.value)}")
