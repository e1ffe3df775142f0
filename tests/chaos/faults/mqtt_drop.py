"""The MQTT connections of a host are dropped, and refused for a while."""

import asyncio
from random import Random

from tests.chaos.site import Site

BRIDGE_HOST = "a"


async def strike(site: Site, rng: Random) -> str:
    proxy = site.services.networks[BRIDGE_HOST].mqtt
    proxy.cut()
    try:
        await asyncio.sleep(rng.uniform(0, 3))
    finally:
        proxy.heal()
    return proxy.name
