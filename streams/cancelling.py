"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 1.0


async def cancel(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Return when all have ended; what they raise is dropped, as nobody waits for it any more.

    One cancellation is not always enough: libraries swallow it where an answer comes at the same moment, as
    ``asyncio.wait_for`` does up to Python 3.11.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # else asyncio complains that nobody has looked at it
