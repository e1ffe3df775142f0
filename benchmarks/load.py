"""The load generator: commands out, events in, as any sender and any ``read_committed`` reader would.

It shares the machine with what it loads, so it is as cheap as aiokafka lets it be: one record batch a partition for
what is sent at the same time, and of an event only key, type and offset are looked at.

Every start names its instance, so that each event is known to be ours; what comes twice, fails or was never started
raises ``LostError``.
"""

import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from benchmarks.plant import BenchPlant
from streams.codec import encode_command
from streams.core import ids
from streams.core.commands import Signal, StartProcess
from streams.kafka import client_options

VERSION = 1
"""Of the benchmark's definitions."""
MAX_BATCH_BYTES = 262_144
FETCH_WAIT_MS = 20
POLL_S = 0.1
SILENCE_S = 30.0
UNWANTED = (b"failed", b"cancelled", b"activity_failed")
INSTANCE_ID_LENGTH = 36

Seen = Callable[[ConsumerRecord, float], None]


class LostError(Exception):
    """What happened is not what must happen: an instance was lost, or came twice, or its history is not whole."""


class Load:
    """One sender and one reader on a plant; an async context manager.  Times are ``time.time()``, in seconds.

    After ``silence_s`` without an event, what is awaited counts as lost.
    """

    def __init__(self, plant: BenchPlant, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        self._settings, self._topics = plant.settings, plant.topics
        self.partitions = plant.topics.partitions
        self._keys: list[deque[str]] = [deque() for _ in range(self.partitions)]
        self._made = 0
        self._tag = uuid.uuid4().hex[:4]
        self.events = 0
        """Events of instances, seen so far."""
        self.ends: dict[int, int] = {}
        """By partition with events seen, the offset after the last."""
        self.open: dict[bytes, float] = {}
        """Instances that were started and have not ended: when they were sent."""
        self.ended = 0
        self.key_of: dict[bytes, str] = {}
        """The business key of each open instance."""
        self._heard = 0.0

    async def __aenter__(self) -> Self:
        options = client_options(self._settings)
        self._producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_batch_size=MAX_BATCH_BYTES, **options
        )
        self._consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            check_crcs=False,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            **options,
        )
        await self._producer.start()
        await self._consumer.start()
        topics = (self._topics.events.name, self._topics.rejections.name)
        places = [TopicPartition(topic, number) for topic in topics for number in range(self.partitions)]
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        for place in places:
            await self._consumer.position(place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        await self._producer.stop()

    def evenly(self, count: int) -> dict[int, int]:
        """``count`` things over the partitions."""
        each, more = divmod(count, self.partitions)
        return {number: each + (number < more) for number in range(self.partitions)}

    async def start(
        self, definition: str, variables: Mapping[str, Any], counts: Mapping[int, int], due: float | None = None
    ) -> None:
        """Start so many instances in each partition; each has a key of its own, and it as ``device_id``.

        They count as sent now, or when they were due.
        """
        self._heard = now = time.time()
        for partition, count in counts.items():
            commands = []
            for _ in range(count):
                key = self._key(partition)
                instance = ids.instance_id(int(now * 1000), partition, key)
                values = {"device_id": key, **variables}
                command = StartProcess(
                    definition_id=definition,
                    definition_version=VERSION,  # else the processor asks for the newest, each time
                    key=key,
                    instance_id=instance,
                    variables=values,
                )
                self.open[instance.encode()] = due or now
                self.key_of[instance.encode()] = key
                commands.append((key.encode(), encode_command(command)))
            await self._send(partition, commands)

    async def signal(self, name: str, instances: Iterable[bytes]) -> None:
        """Send the message ``name`` to the key of each of these instances; their times begin anew."""
        self._heard = now = time.time()
        commands: dict[int, list[tuple[bytes, bytes]]] = {}
        for instance in instances:
            key = self.key_of[instance]
            command = Signal(name=name, key=key, payload={"approved": True})
            self.open[instance] = now
            commands.setdefault(ids.partition_of(instance.decode()), []).append((key.encode(), encode_command(command)))
        for partition, of_partition in commands.items():
            await self._send(partition, of_partition)

    async def look(self, on_event: Seen | None = None, timeout_s: float = POLL_S) -> Counter[int]:
        """Read what there is, for at most ``timeout_s``: how many instances completed, by partition.

        ``on_event`` is called with each event and the time at which it was seen.  Raises ``LostError``, also when
        nothing came for a long time.
        """
        found = await self._consumer.getmany(timeout_ms=round(timeout_s * 1000))
        now = time.time()
        if found:
            self._heard = now
        elif self.open and now - self._heard > self._silence_s:
            raise LostError(f"No event for {self._silence_s:.0f} s, and {len(self.open)} instances have not ended")
        completed: Counter[int] = Counter()
        for place, records in found.items():
            if place.topic == self._topics.rejections.name:
                raise LostError(f"Expected no rejection, but got {records[0].value.decode()}")
            for record in records:
                if len(record.key) == INSTANCE_ID_LENGTH:  # else an event of a key or a definition
                    if on_event is not None:
                        on_event(record, now)
                    completed[place.partition] += self._take(record)
            self.ends[place.partition] = records[-1].offset + 1
        self.ended += completed.total()
        return completed

    def _take(self, record: ConsumerRecord) -> bool:
        """Count an event of an instance; whether the instance has completed."""
        self.events += 1
        kind = record.headers[0][1]
        if kind in UNWANTED:
            raise LostError(f"Expected no {kind.decode()}, but got {record.value.decode()}")
        if kind != b"completed":
            return False
        if self.open.pop(record.key, None) is None:
            raise LostError(f"Instance {record.key.decode()} completed twice, or was never started")
        del self.key_of[record.key]
        return True

    async def until(self, holds: Callable[[], bool], on_event: Seen | None = None) -> None:
        """Read until ``holds()``."""
        while not holds():
            await self.look(on_event)

    def _key(self, partition: int) -> str:
        """The next key that lives in ``partition``."""
        keys = self._keys[partition]
        while not keys:
            key = f"{self._tag}-{self._made}"
            self._made += 1
            self._keys[(ids.murmur2(key.encode()) & 0x7FFFFFFF) % self.partitions].append(key)
        return keys.popleft()

    async def _send(self, partition: int, commands: Iterable[tuple[bytes, bytes]]) -> None:
        topic = self._topics.commands.name
        batch = self._producer.create_batch()
        for key, value in commands:
            while batch.append(key=key, value=value, timestamp=None) is None:
                batch.close()
                await self._producer.send_batch(batch, topic, partition=partition)
                batch = self._producer.create_batch()
        if batch.record_count():
            batch.close()
            await self._producer.send_batch(batch, topic, partition=partition)
