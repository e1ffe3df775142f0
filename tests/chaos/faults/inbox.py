"""No projector works, and what is to be projected piles up."""

import asyncio
from random import Random

from tests.chaos.site import Site, within

FULL = 3_000
MOST_S = 15.0


async def strike(site: Site, rng: Random) -> str:
    projectors = site.fleet.of_role("projector")
    site.stops_s += await asyncio.gather(*(member.stop() for member in projectors))
    await within(MOST_S, lambda: site.flight.gauges()["projector"] >= FULL)
    behind = site.flight.gauges()["projector"]
    for member in projectors:
        member.start()
    return f"{behind} records"
