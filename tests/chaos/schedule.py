"""Which fault comes when: the seed decides.

Every kind comes once, in an order of the seed's, before any comes again.  Most faults wait until something has moved
since the last, so that they hit a plant that works; the others hit one that is still recovering.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import structlog

from tests.chaos.faults import FAULTS
from tests.chaos.site import Site, within

MOVED = 30
"""Outcomes of commands after which the plant counts as working again."""
MOST_WAIT_S = 30.0
IMPATIENT = 0.3
PAUSE_S = (0.3, 2.5)

log = structlog.get_logger("chaos")


@dataclass
class Struck:
    """Counts by kind."""

    struck: Counter[str] = field(default_factory=Counter)
    effective: Counter[str] = field(default_factory=Counter)
    """Those that hit while work of theirs was in flight."""


def kinds(rng: Random) -> Iterator[str]:
    """For ever."""
    while True:
        bag = list(FAULTS)
        rng.shuffle(bag)
        yield from bag


async def strike(site: Site, rng: Random, seconds: float) -> Struck:
    """Faults for that long; each is undone before the next."""
    struck, until = Struck(), time.monotonic() + seconds
    for kind in kinds(rng):
        if time.monotonic() > until:
            return struck
        fault = FAULTS[kind]
        moved = site.flight.counts["outcomes"]
        began = time.monotonic()
        hit = asyncio.create_task(site.flight.hit(fault.stages))
        detail = await fault.strike(site, rng)
        effective = await hit
        struck.struck[kind] += 1
        struck.effective[kind] += effective
        seconds_taken = round(time.monotonic() - began, 1)
        log.info("fault", kind=kind, on=detail, effective=effective, seconds=seconds_taken, **site.flight.gauges())
        await asyncio.sleep(rng.uniform(*PAUSE_S))
        if rng.random() > IMPATIENT:
            await _moving(site, moved)
        site.check()
    return struck


async def _moving(site: Site, since: int) -> None:
    """Wait until something has come of commands; not for ever, since standing still is for the end to judge."""
    await within(MOST_WAIT_S, lambda: site.flight.counts["outcomes"] >= since + MOVED)
