"""How far the bridge is behind: messages that Kafka has not acknowledged, asked from the bridge's own ``/metrics``.

They are in no topic yet, so nobody else knows.  Among the ports of ``WEIR_WEB_PORT`` the one is looked for that answers
as the bridge of this plant.
"""

import asyncio
from collections.abc import Iterable

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from streams.lag import Lag
from streams.monitoring.monitor import plant_of
from streams.settings import Settings

TIMEOUT_S = 2.0


async def ask_bridge(settings: Settings) -> Lag | None:
    """``None`` when no bridge answers on this machine."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        urls = [f"http://{_address(settings.web_host)}:{port}" for port in settings.web_ports]
        found = await asyncio.gather(*[_ask(session, url, plant_of(settings)) for url in urls])
    return next((lag for lag in found if lag is not None), None)


async def _ask(session: aiohttp.ClientSession, url: str, plant: str) -> Lag | None:
    try:
        async with session.get(f"{url}/health") as answer:
            document = await answer.json()
        if (document.get("role"), document.get("plant")) != ("bridge", plant):
            return None
        async with session.get(f"{url}/metrics") as answer:
            values = _values(await answer.text(), ("weir_bridge_under_way", "weir_bridge_oldest_seconds"))
        return Lag(int(values["weir_bridge_under_way"]), values["weir_bridge_oldest_seconds"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, AttributeError):
        return None  # nobody, somebody else, or a bridge that has nothing to say yet


def _values(page: str, names: Iterable[str]) -> dict[str, float]:
    families = text_string_to_metric_families(page)
    return {one.name: one.value for family in families for one in family.samples if one.name in set(names)}


def _address(host: str) -> str:
    """Where to reach what listens on ``host``."""
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104
