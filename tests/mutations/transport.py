"""Bugs in who works on a partition, from where, and in what is committed with what."""

import asyncio
import itertools
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from streams.transport import kafka_writer
from streams.transport.assignment import Assignment
from streams.transport.commits import Commits
from streams.transport.contents import TableContents
from streams.transport.lane import Lane
from streams.transport.port import Chunk, Message, TopicPartition
from streams.transport.restoring import Restoring
from tests.mutations.replacing import replaced

SLOW_S = 2.0
"""How long recovery takes, for a slow predecessor to commit in."""
Records = Mapping[TopicPartition, list[Message]]
Offsets = Mapping[TopicPartition, int]


class _Unmoved:
    """A reader that begins wherever the partition does."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def begin(self, positions: Offsets) -> None:
        """Not where it shall."""
        self._reader.begin(dict.fromkeys(positions, 0))


@contextmanager
def skip_the_seek() -> Iterator[None]:
    """A lane reads on from wherever its reader happens to be, and does not look whether it is where it begins."""

    def begin(original: Any) -> Any:
        async def recovered(self: Any, tps: Collection[TopicPartition]) -> None:
            reader = self._reader
            self._reader = _Unmoved(reader)
            try:
                await original(self, tps)
            finally:
                self._reader = reader

        return recovered

    async def fetch(self: Any, position: int) -> Chunk:
        chunk: Chunk = await self._reader.fetch(self.tp, self.source.max_records)
        return chunk

    with replaced(Assignment, "recovered", begin), replaced(Lane, "_fetch", lambda _: fetch):
        yield


@contextmanager
def events_before_the_changelog() -> Iterator[None]:
    """Outputs are one transaction, state and position the next: whoever dies in between does it all again."""

    def apart(original: Any) -> Any:
        async def transact(self: Any, records: Records, offsets: Offsets) -> Any:
            first = {tp: messages for tp, messages in records.items() if tp != self._changelog}
            rest = {tp: messages for tp, messages in records.items() if tp == self._changelog}
            if first and rest:
                await original(self, first, {})
                return await original(self, rest, offsets)
            return await original(self, records, offsets)

        return transact

    with replaced(Commits, "_transact", apart):
        yield


@contextmanager
def offset_before_the_outputs() -> Iterator[None]:
    """The group's offset is committed first, then what the records lead to: whoever dies in between has lost it."""

    def apart(original: Any) -> Any:
        async def transact(self: Any, records: Records, offsets: Offsets) -> Any:
            if records and offsets:
                await original(self, {}, offsets)
                return await original(self, records, {})
            return await original(self, records, offsets)

        return transact

    with replaced(Commits, "_transact", apart):
        yield


@contextmanager
def begin_too_early() -> Iterator[None]:
    """Whoever takes a partition over carries out its last command once more."""

    def one_back(original: Any) -> Any:
        def input_position(self: TableContents, tp: TopicPartition) -> int | None:
            position: int | None = original(self, tp)
            return position - 1 if position else position

        return input_position

    with replaced(TableContents, "input_position", one_back):
        yield


@contextmanager
def begin_with_what_comes() -> Iterator[None]:
    """A table of which nothing is read begins with the next chunk, whoever has asked for that."""

    def any_chunk(original: Any) -> Any:
        def take(self: Restoring, contents: TableContents, chunk: Chunk) -> Any:
            partition = chunk.tp.partition
            if not contents.position.get(partition):
                contents.parts[partition], contents.position[partition] = {}, chunk.start
            return original(self, contents, chunk)

        return take

    with replaced(Restoring, "take", any_chunk):
        yield


@contextmanager
def pass_over_gaps() -> Iterator[None]:
    """A chunk of the changelog that begins too late is applied all the same."""

    def gaps(original: Any) -> Any:
        def take(self: Restoring, contents: TableContents, chunk: Chunk) -> Any:
            at = contents.position.get(chunk.tp.partition, 0)
            return original(self, contents, chunk._replace(start=min(chunk.start, at)))

        return take

    with replaced(Restoring, "take", gaps):
        yield


@contextmanager
def recovered_before_it_is_read() -> Iterator[None]:
    """The end that the broker tells with a chunk counts as read."""

    def hasty(original: Any) -> Any:
        def take(self: Restoring, contents: TableContents, chunk: Chunk) -> Any:
            wanted = original(self, contents, chunk)
            if wanted is None and contents.is_begun(chunk.tp.partition):
                contents.position[chunk.tp.partition] = chunk.stable_end or 0
            return wanted

        return take

    with replaced(Restoring, "take", hasty):
        yield


@contextmanager
def no_fencing() -> Iterator[None]:
    """Each writer has a transactional id of its own: an owner of the past can still commit."""
    numbers = itertools.count()

    def unique(original: Any) -> Any:
        return lambda group, tp: f"{original(group, tp)}-{next(numbers)}"

    with ExitStack() as stack:
        for module in _namers():
            stack.enter_context(replaced(module, "transactional_id", unique))
        yield


def _namers() -> list[Any]:
    """Every module that has the function by name."""
    original = kafka_writer.transactional_id
    return [module for module in list(sys.modules.values()) if vars(module).get("transactional_id") is original]


@contextmanager
def recover_before_fencing() -> Iterator[None]:
    """The former owner is fenced when the table has been read: what it commits meanwhile is not in the table."""

    def later(_: Any) -> Any:
        async def assigned(self: Any, _tps: Collection[TopicPartition], _generation: int) -> None:
            self._epoch += 1
            epoch = self._epoch
            await self.stop_lanes()
            self._keep_contents(())
            self._prepared_epoch = epoch

        return assigned

    def first(original: Any) -> Any:
        async def recovered(self: Any, tps: Collection[TopicPartition]) -> None:
            mine = [TopicPartition(*tp) for tp in tps if tp.topic in self._sources]
            await asyncio.sleep(SLOW_S)
            await self._open_writers(mine, continuous=False)
            await self._open_ends(mine)
            await original(self, tps)

        return recovered

    with replaced(Assignment, "assigned", later), replaced(Assignment, "recovered", first):
        yield
