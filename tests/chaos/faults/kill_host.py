"""A host dies: kill -9 of all its roles at once."""

import signal
from random import Random

from tests.chaos.services import HOSTS
from tests.chaos.site import Site


async def strike(site: Site, rng: Random) -> str:
    host = rng.choice(HOSTS)
    for member in site.fleet.of_host(host):
        member.signal(signal.SIGKILL)
    return host
