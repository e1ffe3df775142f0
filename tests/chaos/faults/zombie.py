"""A zombie: SIGSTOP past the session timeout, then SIGCONT.  It wakes up and believes that nothing has happened."""

import asyncio
import signal
from random import Random

from tests.chaos.faults.base import Strike
from tests.chaos.site import SESSION_TIMEOUT_S, Site


def zombie(role: str) -> Strike:
    """One process of ``role``."""

    async def strike(site: Site, rng: Random) -> str:
        victim = rng.choice(site.fleet.of_role(role))
        victim.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(SESSION_TIMEOUT_S + rng.uniform(0.5, 4))
        finally:
            victim.signal(signal.SIGCONT)
        return victim.name

    return strike
