"""A short freeze: SIGSTOP for less than the session timeout, as a busy machine or a garbage collection does it."""

import asyncio
import signal
from random import Random

from tests.chaos.site import SESSION_TIMEOUT_S, Site


async def strike(site: Site, rng: Random) -> str:
    victim = rng.choice(list(site.fleet.members.values()))
    victim.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(rng.uniform(0.5, SESSION_TIMEOUT_S - 1))
    finally:
        victim.signal(signal.SIGCONT)
    return victim.name
