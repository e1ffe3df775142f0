"""Kafka stands still for a while: SIGSTOP, SIGCONT."""

import asyncio
import signal
from random import Random

from tests.chaos.site import Site
from weir.stack import kafka


async def strike(site: Site, rng: Random) -> str:
    site.services.strike(kafka.NAME, signal.SIGSTOP)
    try:
        await asyncio.sleep(rng.uniform(1, 10))
    finally:
        site.services.strike(kafka.NAME, signal.SIGCONT)
    return kafka.NAME
