"""One run: a plant at work ─► faults ─► rest ─► judgement (─► rebuilt, and judged once more)."""

import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

import structlog

from tests.chaos.judge import judge
from tests.chaos.rebuild import rebuild
from tests.chaos.report import Report
from tests.chaos.rest import REST_S, come_to_rest
from tests.chaos.schedule import Struck, strike
from tests.chaos.site import Site, building, within

WARM_UP_S = 60.0
WARM = 100
"""Outcomes before the first fault."""
LEDGER_S = 30.0

log = structlog.get_logger("chaos")


@dataclass(frozen=True)
class Options:
    """``rate``: commands a second; ``rebuild``: both replays afterwards, interrupted and resumed; ``plants``:
    bugs in the roles, with which no run may pass.
    """

    seed: int
    minutes: float
    rate: float = 100.0
    rebuild: bool = False
    plants: frozenset[str] = frozenset()

    @property
    def arguments(self) -> list[str]:
        """Of the command line that does the same."""
        values = ("--seed", str(self.seed), "--minutes", f"{self.minutes:g}", "--rate", f"{self.rate:g}")
        planted = [part for name in sorted(self.plants) for part in ("--plant", name)]
        return [*values, *planted, *(["--rebuild"] if self.rebuild else [])]


async def run(options: Options, folder: Path) -> Report:
    """Everything in ``folder``: services, logs, what else is there to look at afterwards."""
    rng = Random(options.seed)
    async with building(folder, Random(rng.random()), options.rate, options.plants) as site:
        return await _run(site, options, rng)


async def _run(site: Site, options: Options, rng: Random) -> Report:
    await site.work()
    await within(WARM_UP_S, lambda: site.flight.counts["outcomes"] >= WARM)
    struck = await strike(site, rng, options.minutes * 60)
    site.services.heal()
    await site.load.pause()
    await site.load.flush()
    # A start that went astray is behind what is sent now: nobody could answer its task a second time.
    await within(REST_S, lambda: not site.flight.gauges()["processor"])
    await site.load.finish()
    await site.load.flush()
    site.check()
    rest_s, restless = await come_to_rest(site)
    report = _report(site, options, struck)
    report.rest_s = round(rest_s, 1)
    report.violations = [f"rest: {one}" for one in restless]
    await within(LEDGER_S, site.ledger.quiet)
    report.violations += [f"{one.kind}: {one.subject}: {one.message}" for one in await judge(site)]
    if options.rebuild and not report.violations:
        report.rebuilt, differences = await rebuild(site, rng)
        report.violations += [f"after the replays: {one.kind}: {one.subject}: {one.message}" for one in differences]
    return report


def _report(site: Site, options: Options, struck: Struck) -> Report:
    counts = site.flight.counts
    return Report(
        seed=options.seed,
        minutes=options.minutes,
        faults={kind: f"{struck.effective[kind]}/{times}" for kind, times in struck.struck.items()},
        effective=struck.effective.total(),
        kinds=sum(times > 0 for times in struck.effective.values()),
        commands=counts["commands"],
        completed=counts["completed"],
        timers=counts["timer_fired"],
        effects=len({key for key, _ in site.ledger.effects}),
        undone=counts["compensations_started"],
        answered=counts["task_completed"],
        correlated=counts["message_correlated"],
        entries=counts["entries"],
        readings=site.flight.readings,
        dead_letters=counts["letters"],
        restarts=len(site.fleet.endings),
        longest_stall_s=round(site.flight.longest_wait_s, 1),
        slowest_stop_s=round(max(site.stops_s, default=0), 1),
        load_average=round(os.getloadavg()[0], 1),
    )
