"""A replay in a process of its own that kills itself (SIGKILL), or stops, at a chosen point.

    main(POINT)        settings come from the environment

``half way``: after about half of the records.  ``swapped``: all statements of the swap are done, the commit is not.
``committed``: right after the commit.  ``held``: stopped (SIGSTOP), not killed, while the live projector has to wait.
"""

import asyncio
import os
import signal
from datetime import datetime
from typing import Any

import asyncpg

from projections.replay import Progress, bulk, replay_projections, swap
from streams.settings import Settings
from streams.topics import load_topics


def die() -> None:
    """End here and now."""
    os.kill(os.getpid(), signal.SIGKILL)


def show(progress: Progress) -> None:
    """Die half way."""
    if progress.done * 2 >= progress.total > 0:
        die()


real_swap = swap.swap


async def _swap_and_die(connection: asyncpg.Connection, live: str) -> datetime:
    await real_swap(connection, live)
    die()
    raise AssertionError("still alive")


async def _stop(_connection: asyncpg.Connection, _live: str) -> datetime:
    os.kill(os.getpid(), signal.SIGSTOP)
    raise AssertionError("Expected the server to have ended the transaction")


async def _die(*_: Any) -> None:
    die()


def main(point: str) -> None:
    """In a process of its own: what it replaces it replaces for good."""
    bulk.BATCH_RECORDS = 15
    match point:
        case "swapped":
            swap.swap = _swap_and_die
        case "held":
            swap.swap, swap.SILENT_S = _stop, 2.0
        case "committed":
            swap.rows_of = _die  # type: ignore[assignment]
    settings = Settings()
    progress = show if point == "half way" else lambda _: None
    asyncio.run(replay_projections(settings, load_topics(settings), progress))
