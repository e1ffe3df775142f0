"""kill -9 of Kafka, and a new start."""

import asyncio
import signal
from random import Random

from tests.chaos.site import Site
from weir.stack import kafka


async def strike(site: Site, rng: Random) -> str:
    site.services.strike(kafka.NAME, signal.SIGKILL)
    await asyncio.sleep(rng.uniform(0, 4))
    await site.services.bring_back()
    return kafka.NAME
