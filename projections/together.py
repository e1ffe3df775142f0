"""Writing what waits together: one transaction for all that arrived while the last one was under way.

A transaction costs a database and its client about the same for ten rows as for a thousand.  Whoever comes first writes
at once; under load those who come meanwhile go into one, so that batches follow the load by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class _Entry(Generic[T]):
    __slots__ = ("item", "written")

    def __init__(self, item: T) -> None:
        self.item, self.written = item, False


class Together(Generic[T]):
    """Writes items by ``write(items)``, all or nothing, one call at a time."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._turn = asyncio.Lock()
        self._waiting: list[_Entry[T]] = []

    async def write(self, item: T) -> bool:
        """Have ``item`` written with whatever waits; false when that call of ``write`` failed.

        Then nothing of it was written, as far as ``write`` keeps its word; which of the items is to blame is for each
        caller to find out with its own, while the others are tried again without it.
        """
        entry = _Entry(item)
        self._waiting.append(entry)
        try:
            async with self._turn:
                return entry.written or await self._lead(entry)
        finally:
            if entry in self._waiting:  # cancelled: nobody waits for it any more
                self._waiting.remove(entry)

    async def _lead(self, own: _Entry[T]) -> bool:
        taken, self._waiting = self._waiting, []
        try:
            await self._write([entry.item for entry in taken])
        except BaseException as error:
            self._waiting = [entry for entry in taken if entry is not own] + self._waiting
            if isinstance(error, Exception):
                return False
            raise
        for entry in taken:
            entry.written = True
        return True
