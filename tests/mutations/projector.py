"""Bugs in the projector's positions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from projections import positions
from projections.projector import Projector
from projections.tables import activity_rollups, tasks
from tests.mutations.replacing import replaced


@contextmanager
def project_without_the_position() -> Iterator[None]:
    """Rows are written, and the position stays: whoever comes next writes them again."""

    async def unmoved(*_: Any) -> bool:
        return True

    with replaced(positions, "move", lambda _: unmoved):
        yield


@contextmanager
def project_without_ownership() -> Iterator[None]:
    """The position is moved from wherever it is: whoever was the owner writes rows a second time."""

    def from_anywhere(original: Any) -> Any:
        async def move(connection: Any, topic: str, partition: int, _old: int, new: int) -> bool:
            found = await positions.read(connection, topic, partition)
            return bool(await original(connection, topic, partition, found, new))

        return move

    with replaced(positions, "move", from_anywhere):
        yield


@contextmanager
def position_before_the_rows() -> Iterator[None]:
    """The position has a transaction of its own before the rows: whoever dies in between has lost them."""

    def apart(original: Any) -> Any:
        async def transaction(self: Any, works: Any) -> None:
            async with self._database.connection() as connection, connection.transaction():
                for work in works:
                    tp = work.batch.tp
                    if await positions.move(connection, tp.topic, tp.partition, work.old, work.batch.end):
                        work.old = work.batch.end
            await original(self, works)

        return transaction

    with replaced(Projector, "_transaction", apart):
        yield


@contextmanager
def forget_whose_a_task_is() -> Iterator[None]:
    """The row of a task keeps whom it had first."""
    with replaced(tasks, "_whose", lambda _: lambda *_args: None):
        yield


@contextmanager
def forget_when_activities_began() -> Iterator[None]:
    """What ended in a batch behind that in which it began has no duration, where the process does not remember it."""

    async def nothing(*_: Any) -> None:
        return None

    with replaced(activity_rollups, "_look_up", lambda _: nothing):
        yield
