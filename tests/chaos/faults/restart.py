"""SIGTERM and a new start, as an upgrade does it."""

from random import Random

from tests.chaos.site import Site


async def strike(site: Site, rng: Random) -> str:
    victim = rng.choice(list(site.fleet.members.values()))
    site.stops_s.append(await victim.stop())
    victim.start()
    return victim.name
