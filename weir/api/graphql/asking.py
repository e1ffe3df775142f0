"""One request: who asks, what the database is asked for it, and what is loaded for many at once.

All questions of a request go over one connection, one after the other, in a transaction that changes nothing and sees
one moment: what is nested fits together.  The connection is taken when the first question comes.  What a question
fails with is the answer to the whole request, as anywhere else in the gateway.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg
from fastapi import Request
from strawberry.dataloader import DataLoader

from weir.api.auth import Principal
from weir.api.database import reading

P = ParamSpec("P")
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Question = Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]]


class Asking:
    """The context of a request's resolvers."""

    def __init__(self, request: Request, who: Principal, stack: AsyncExitStack) -> None:
        self.who = who
        self._request, self._stack = request, stack
        self._connection: asyncpg.Connection | None = None
        self._one_by_one = asyncio.Lock()
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}
        self.failure: Exception | None = None
        """What a question has failed with."""
        self._over = False

    async def ask(self, question: Question[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A question of ``projections.queries``."""
        async with self._one_by_one:
            if self._over:  # a field whose neighbour has failed: nobody waits for it any more
                raise asyncio.CancelledError
            try:
                if self._connection is None:
                    connection = await self._stack.enter_async_context(reading(self._request))
                    transaction = connection.transaction(isolation="repeatable_read", readonly=True)
                    await self._stack.enter_async_context(transaction)
                    self._connection = connection
                return await question(self._connection, *args, **kwargs)
            except Exception as error:
                self.failure = self.failure or error
                raise

    async def end(self) -> None:
        """Nothing is asked from here on."""
        async with self._one_by_one:
            self._over = True

    async def load(self, key: K, question: Callable[..., Awaitable[Mapping[K, T]]], **kwargs: Any) -> T | None:
        """What ``question`` tells of ``key``: it is asked once for all keys that are wanted meanwhile."""
        how = (question, tuple(sorted(kwargs.items())))
        if how not in self._loaders:
            self._loaders[how] = DataLoader(partial(self._load, question, kwargs))
        found: T | None = await self._loaders[how].load(key)
        return found

    async def _load(
        self, question: Callable[..., Awaitable[Mapping[K, T]]], kwargs: dict[str, Any], keys: Sequence[K]
    ) -> list[T | None]:
        found = await self.ask(question, keys, **kwargs)
        return [found.get(key) for key in keys]


@asynccontextmanager
async def asking(request: Request, who: Principal) -> AsyncIterator[Asking]:
    """Leaving it gives the connection back.  Raises ``ProblemError`` for what a question has failed with."""
    async with AsyncExitStack() as stack:
        one = Asking(request, who, stack)
        try:
            yield one
        finally:
            await one.end()
        if one.failure is not None:
            raise one.failure
