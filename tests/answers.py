"""Waiting for what a server answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from tests.roles import DEADLINE_S

T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """What ``ask`` returns once it holds; a server that is not there yet is waited for too."""
    deadline = time.monotonic() + DEADLINE_S
    last: object = None
    while time.monotonic() < deadline:
        try:
            found = await ask()
        except httpx.TransportError as error:
            last = error
        else:
            if holds(found):
                return found
            last = getattr(found, "text", found)
        await asyncio.sleep(0.05)
    raise AssertionError(last)
