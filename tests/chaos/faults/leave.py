"""A worker leaves for a while; the others take over what it had."""

import asyncio
from random import Random

from tests.chaos.site import Site


async def strike(site: Site, rng: Random) -> str:
    victim = rng.choice(site.fleet.of_role(rng.choice(("processor", "actions", "projector"))))
    site.stops_s.append(await victim.stop())
    await asyncio.sleep(rng.uniform(2, 9))
    victim.start()
    return victim.name
