"""PostgreSQL's immediate stop (SIGQUIT: no checkpoint, crash recovery at the next start), and a new start."""

import asyncio
import signal
from random import Random

from tests.chaos.site import Site
from weir.stack import postgres


async def strike(site: Site, rng: Random) -> str:
    site.services.strike(postgres.NAME, signal.SIGQUIT)
    await asyncio.sleep(rng.uniform(0, 4))
    await site.services.bring_back()
    return postgres.NAME
