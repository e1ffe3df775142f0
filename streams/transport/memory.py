"""The port over a simulated broker (``memory_broker.py``), without latencies: every answer is there at once.

``tests/transport/test_port.py`` holds it to the real broker.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streams.transport.contents import TableContents
from streams.transport.memory_broker import MemoryBroker
from streams.transport.port import Chunk, Outputs, RefusedError, TopicPartition


@dataclass(frozen=True)
class MemoryTable:
    """A table without Faust, for ``TablePositions``."""

    changelog: str
    contents: TableContents = field(default_factory=TableContents)


class MemoryWriter:
    """``port.Writer``."""

    def __init__(self, broker: MemoryBroker, transactional_id: str, group: str) -> None:
        """Fences the older one of the same id, and aborts what it left open."""
        self._broker, self._group = broker, group
        self._as = (transactional_id, broker.init_producer(transactional_id))

    def begin(self, outputs: Outputs) -> dict[TopicPartition, int]:
        """Write into a transaction and leave it open, as a writer does that dies on the way."""
        check(outputs)
        for tp in outputs:  # all of them, before anything is written
            self._broker.log(tp)
        return {tp: self._broker.produce(self._as, self._group, tp, messages) for tp, messages in outputs.items()}

    async def transact(self, outputs: Outputs, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See ``port.Writer``."""
        ends = self.begin(outputs)
        if offsets:
            self._broker.add_offsets(self._as, self._group, offsets)
        await asyncio.sleep(0)
        self._broker.end_transaction(self._as, committed=True)
        return ends

    async def close(self) -> None:
        """Nothing to close."""


def check(outputs: Outputs) -> None:
    """Refuse what cannot be encoded.  Raises ``RefusedError``."""
    for messages in outputs.values():
        for key, value, headers in messages:
            for part in (key, value, *(content for _, content in headers)):
                if part is not None and not isinstance(part, bytes):
                    raise RefusedError(f"Expected bytes for key, value and header values, but got {type(part)}")


class MemoryReader:
    """``port.Reader``: the positions of one process."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {}

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """See ``port.Reader``."""
        self._positions = dict(positions)

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """See ``port.Reader``.  Below the first offset it goes on at that, as Kafka's reset to the earliest does."""
        log = self._broker.log(tp)
        while log.stable_end <= (position := max(self._positions.get(tp, 0), log.base)):
            await log.wait()
        records, end = log.read(position, max_records)
        self._positions[tp] = end
        return Chunk(tp, position, records, end, log.stable_end)

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """See ``port.Reader``."""
        self._positions[tp] = offset

    def stable_end(self, tp: TopicPartition) -> int | None:
        """See ``port.Reader``; every moment has an answer."""
        return self._broker.log(tp).stable_end

    def answered_at(self, tp: TopicPartition) -> float | None:  # noqa: ARG002
        """See ``port.Reader``."""
        return self._broker.clock()

    async def close(self) -> None:
        """Nothing to close."""


class MemoryOffsets:
    """``port.Offsets``."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker, self._group = broker, group

    async def bounds(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """See ``port.Offsets``."""
        return {tp: (self._broker.log(tp).base, self._broker.log(tp).stable_end) for tp in tps}

    async def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """See ``port.Offsets``."""
        return {tp: self._broker.groups.get(self._group, {}).get(tp) for tp in tps}


class MemoryEnds:
    """``port.Ends``."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def end(self, tp: TopicPartition) -> int:
        """See ``port.Ends``."""
        return self._broker.log(tp).stable_end

    async def close(self) -> None:
        """Nothing to close."""
