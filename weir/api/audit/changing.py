"""Changes of tables that only the gateway writes: committed when their record is on the topic, and not else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import Request

from weir.api.audit.entry import CURRENT, Entry
from weir.api.database import reading
from weir.api.sending import SEND_TIMEOUT_S, sender_of


@asynccontextmanager
async def changing(request: Request, status: int = 200) -> AsyncIterator[tuple[asyncpg.Connection, Entry]]:
    """A connection in a transaction, and the write's entry, which is told the rows ``before`` and ``after``.

    ``status`` is what will be answered, unless the entry is told another one.  A crash between record and commit leaves
    a record of what was not done, never the other way round.  Raises ``ProblemError``.
    """
    entry = CURRENT.get()
    assert entry is not None
    async with reading(request) as connection, connection.transaction():
        entry.status = status
        yield connection, entry
        if entry.before is not None or entry.after is not None:
            await sender_of(request).record(entry, entry.status, SEND_TIMEOUT_S)
