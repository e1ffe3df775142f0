"""kill -9 of a role's process; its supervisor starts it again."""

import signal
from random import Random

from tests.chaos.faults.base import Strike
from tests.chaos.site import Site


def kill(role: str) -> Strike:
    """Of one process of ``role``."""

    async def strike(site: Site, rng: Random) -> str:
        victim = rng.choice(site.fleet.of_role(role))
        victim.signal(signal.SIGKILL)
        return victim.name

    return strike
