"""The network between a host and a service: nothing comes through for a while, or the connections end."""

import asyncio
from random import Random

from tests.chaos.faults.base import Strike
from tests.chaos.services import HOSTS, Network
from tests.chaos.site import SESSION_TIMEOUT_S, Site
from weir.stack import kafka, mqtt, postgres

PROXIES = {
    kafka.NAME: lambda network: network.kafka,
    postgres.NAME: lambda network: network.postgres,
    mqtt.NAME: lambda network: network.mqtt,
}


def unreachable(service: str) -> Strike:
    """One host does not reach ``service``, for less than the session timeout or for more."""

    async def strike(site: Site, rng: Random) -> str:
        proxy = PROXIES[service](site.services.networks[rng.choice(HOSTS)])
        how = rng.choice((proxy.stall, proxy.cut))
        how()
        try:
            await asyncio.sleep(rng.uniform(0.5, SESSION_TIMEOUT_S + 4))
        finally:
            proxy.heal()
        return f"{proxy.name} {how.__name__}"

    return strike


def slow(network: Network, delay_s: float) -> None:
    for proxy in network.all:
        proxy.delay_s = delay_s


async def strike_slow(site: Site, rng: Random) -> str:
    """Every packet of a host takes its time."""
    host = rng.choice(HOSTS)
    slow(site.services.networks[host], rng.uniform(0.02, 0.2))
    try:
        await asyncio.sleep(rng.uniform(3, 8))
    finally:
        slow(site.services.networks[host], 0)
    return host
