"""The wall clock of one process jumps, forward or back, and is set right again.

A little forward only: what happened to an instance under a clock that was ahead holds it until the others' clocks are
there.  Back by more.
"""

import asyncio
from random import Random

from tests.chaos.site import Site

FORWARD_S = (1.0, 8.0)
BACK_S = (1.0, 60.0)
ROLES = ("processor", "actions", "projector", "router", "bridge")


async def strike(site: Site, rng: Random) -> str:
    victim = rng.choice(site.fleet.of_role(rng.choice(ROLES)))
    ahead_s = rng.choice((rng.uniform(*FORWARD_S), -rng.uniform(*BACK_S)))
    victim.set_clock(ahead_s)
    try:
        await asyncio.sleep(rng.uniform(2, 6))
    finally:
        victim.set_clock(0)
    return f"{victim.name} {ahead_s:+.1f} s"
