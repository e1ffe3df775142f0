"""Coming to rest: nothing more is asked, and everything that was asked gets its outcome."""

import time

import structlog

from tests.chaos.site import QUIET_S, Site, quiet, within

REST_S = 300.0
"""Generous: a machine under other load may take long, and a plant that stands still stands still for ever."""

log = structlog.get_logger("chaos")


async def come_to_rest(site: Site) -> tuple[float, list[str]]:
    """Seconds that it took, and what has not come to rest within ``REST_S``."""
    began = time.monotonic()

    def resting() -> bool:
        return site.flight.resting() and not site.lame() and quiet(site)

    if await within(REST_S, resting):
        return time.monotonic() - began - QUIET_S, []
    gauges = {stage: count for stage, count in site.flight.gauges().items() if count}
    log.error("no rest", lame=site.lame(), details=site.flight.details(), **gauges)
    problems = [f"{count} in flight at {stage}" for stage, count in gauges.items()]
    problems += [f"{name} does not work" for name in site.lame()]
    return time.monotonic() - began, problems or ["something keeps coming"]
