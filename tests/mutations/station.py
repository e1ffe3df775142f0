"""Bugs in the station: in what it takes in, and in what its relay carries to Kafka."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from streams.station import intake, relay
from streams.station.intake import Intake
from streams.station.relay import Relay
from streams.transport.port import TopicPartition
from tests.mutations.replacing import replaced


@contextmanager
def position_before_the_rows() -> Iterator[None]:
    """The position has a transaction of its own before the rows: whoever dies in between has lost them."""

    def apart(original: Any) -> Any:
        async def write(self: Intake, work: Any) -> Any:
            async with self._database.connection() as connection:
                if await connection.fetchval(intake._MOVE, work.tp.topic, work.tp.partition, work.old, work.end):
                    work.old = work.end
            return await original(self, work)

        return write

    with replaced(Intake, "_write", apart):
        yield


@contextmanager
def nobodys_partitions() -> Iterator[None]:
    """The position is moved from wherever it is: whoever was the owner tells everything a second time."""

    def from_anywhere(original: Any) -> Any:
        async def write(self: Intake, work: Any) -> Any:
            async with self._database.connection() as connection:
                work.old = await connection.fetchval(intake._POSITION, work.tp.topic, work.tp.partition)
            return await original(self, work)

        return write

    with replaced(Intake, "_write", from_anywhere):
        yield


@contextmanager
def take_in_again() -> Iterator[None]:
    """When the connection breaks at a commit, the batch is taken in once more, whatever became of the first time."""

    def again(original: Any) -> Any:
        async def write(self: Intake, work: Any) -> Any:
            if work.committing:
                async with self._database.connection() as connection:
                    work.old = await connection.fetchval(intake._POSITION, work.tp.topic, work.tp.partition)
                work.committing = False
            return await original(self, work)

        return write

    with replaced(Intake, "_write", again):
        yield


@contextmanager
def forget_who_is_inside_on_takeover() -> Iterator[None]:
    """Who takes partitions over believes that nobody is in a zone yet."""
    fresh = False

    def begin(original: Any) -> Any:
        async def positions(self: Intake, tps: Sequence[TopicPartition]) -> Any:
            nonlocal fresh
            fresh = True
            return await original(self, tps)

        return positions

    def take(original: Any) -> Any:
        def take_positions(people: Any, *given: Any) -> None:
            nonlocal fresh
            if fresh:
                people.inside.clear()
                fresh = False
            original(people, *given)

        return take_positions

    with replaced(Intake, "positions", begin), replaced(intake, "take_positions", take):
        yield


@contextmanager
def events_outside_the_transaction() -> Iterator[None]:
    """Events go into the outbox when the rows are there: whoever dies in between never tells."""

    def apart(original: Any) -> Any:
        async def write(self: Intake, work: Any) -> Any:
            people = await original(self, work)
            if people is not None:
                async with self._database.connection() as connection, connection.transaction():
                    await put_events(connection, people.events)
            return people

        return write

    async def nothing(*_: Any) -> None:
        return None

    put_events = intake.put_events
    with replaced(Intake, "_write", apart), replaced(intake, "put_events", lambda _: nothing):
        yield


@contextmanager
def relay_again() -> Iterator[None]:
    """A relay that begins does not ask what Kafka has: what was sent and not deleted goes out again."""

    async def nothing(*_: Any) -> int:
        return 0

    with replaced(Relay, "_sent", lambda _: nothing):
        yield


@contextmanager
def delete_before_kafka_has_it() -> Iterator[None]:
    """The outbox is emptied when it is read: what dies on the way is lost."""

    def hasty(original: Any) -> Any:
        async def round_(self: Relay, connection: Any, producer: Any, sent: int) -> int:
            return int(await original(self, _Emptying(connection), producer, sent))

        return round_

    with replaced(Relay, "_round", hasty):
        yield


class _Emptying:
    """A connection that deletes what it reads."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def execute(self, query: str, *args: Any) -> None:
        await self._connection.execute(query, *args)

    async def fetch(self, query: str, *args: Any) -> Any:
        rows = await self._connection.fetch(query, *args)
        if rows:
            await self._connection.execute(relay._DELETE, rows[-1]["seq"])
        return rows


@contextmanager
def no_fencing_of_the_relay() -> Iterator[None]:
    """Each relay has a transactional id of its own: one that was stopped can still commit what another has sent."""
    numbers = itertools.count()

    def unique(original: Any) -> Any:
        def producer(self: Relay) -> Any:
            group, self._group = self._group, f"{self._group}-{next(numbers)}"
            try:
                return original(self)
            finally:
                self._group = group

        return producer

    with replaced(Relay, "_producer", unique):
        yield
