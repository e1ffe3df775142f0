"""One processor more joins, works for a while, and leaves for good: by SIGINT a static member gives up its place."""

import asyncio
import signal
from random import Random

from tests.chaos.services import HOSTS
from tests.chaos.site import Site, within

JOIN_S = 60.0


async def strike(site: Site, rng: Random) -> str:
    site.joined += 1
    member = site.add(f"processor-joined-{site.joined}", "processor", rng.choice(HOSTS))
    member.start()
    await within(JOIN_S, lambda: member.works)
    await asyncio.sleep(rng.uniform(0.5, 4))
    site.stops_s.append(await member.stop(signal.SIGINT))
    del site.fleet.members[member.name]
    return member.name
