"""The port's writer over aiokafka: a transactional producer."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from streams.transport import private
from streams.transport.options import TransportOptions
from streams.transport.port import FencedError, Message, OutcomeUnknownError, Outputs, RefusedError, TopicPartition

ABORT_TIMEOUT_S = 5.0


def transactional_id(group: str, tp: TopicPartition) -> str:
    """Under which a group's member writes what follows from the input ``tp``: a new owner fences the former one."""
    return f"{group}-{tp.topic}-{tp.partition}"


class KafkaWriter:
    """A transactional producer.  ``open`` fences its predecessors and ends their open transaction."""

    def __init__(self, producer: AIOKafkaProducer, group: str) -> None:
        self._producer, self._group = producer, group

    @classmethod
    async def open(cls, transactional_id: str, group: str, options: TransportOptions) -> "KafkaWriter":
        """InitProducerId: returns only when an open transaction of the predecessor has ended in the log."""
        producer = AIOKafkaProducer(
            **options.client,
            transactional_id=transactional_id,
            transaction_timeout_ms=options.transaction_timeout_ms,
            acks="all",
            linger_ms=0,
            max_batch_size=options.batch_bytes,
            request_timeout_ms=15_000,
            retry_backoff_ms=20,
        )
        private.set_concurrent_backoff(producer, options.concurrent_backoff_s)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return cls(producer, group)

    async def transact(self, outputs: Outputs, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See ``port.Writer``.

        Record batches are built before the transaction begins, so what cannot be encoded or has no partition is refused
        without a trace.
        """
        batches = [
            (tp, batch) for tp, messages in outputs.items() for batch in record_batches(self._producer, messages)
        ]
        for topic in {tp.topic for tp in outputs}:
            partitions = await self._producer.partitions_for(topic)
            if missing := [tp for tp in outputs if tp.topic == topic and tp.partition not in partitions]:
                raise RefusedError(
                    f"Expected topic {topic} to have partition {missing[0].partition}, but it has {sorted(partitions)}"
                )
        try:
            await self._producer.begin_transaction()
            return await self._write(batches, offsets)
        except ProducerFenced as error:
            raise FencedError(f"the transactional id was taken over: {error!r}") from error
        except (KafkaError, AssertionError) as error:
            await self._abort()
            raise OutcomeUnknownError(f"{error!r}") from error

    async def _write(
        self, batches: Sequence[tuple[TopicPartition, Any]], offsets: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        private.add_partitions(self._producer, [tp for tp, _ in batches])
        futures = [await self._producer.send_batch(batch, tp.topic, partition=tp.partition) for tp, batch in batches]
        if offsets:
            await self._producer.send_offsets_to_transaction(
                {AioTopicPartition(*tp): offset for tp, offset in offsets.items()}, self._group
            )
        sent = await asyncio.gather(*futures)
        await self._producer.commit_transaction()
        return {tp: metadata.offset + batch.record_count() for (tp, batch), metadata in zip(batches, sent, strict=True)}

    async def _abort(self) -> None:
        """Best effort, so that readers are not held up until the successor comes; the process ends in any case."""
        try:
            async with asyncio.timeout(ABORT_TIMEOUT_S):
                await self._producer.abort_transaction()
        except Exception as error:
            raise OutcomeUnknownError(f"and the abort failed too: {error!r}") from error

    async def close(self) -> None:
        """Close the connections; the transactional id stays with this epoch until somebody else opens it."""
        await self._producer.stop()


def record_batches(producer: AIOKafkaProducer, messages: Sequence[Message]) -> Iterator[Any]:
    """Record batches for ``producer.send_batch``, in order.  A batch takes its first record whatever the size.

    Raises ``RefusedError``.
    """
    batch = producer.create_batch()
    try:
        for key, value, headers in messages:
            if batch.append(key=key, value=value, timestamp=None, headers=list(headers)) is None:
                yield batch
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=list(headers))
    except TypeError as error:
        raise RefusedError(f"Expected bytes for key, value and header values, but {error}") from error
    batch.close()
    yield batch
