"""The rebuild after chaos: both replays, each killed on the way and run again, and verified.

``--projections`` goes on beside the roles; for ``--state`` the processors are stopped, as its help says.
"""

import asyncio
import os
import signal
import sys
from random import Random

import structlog

from tests.chaos.judge import verified
from tests.chaos.rest import come_to_rest
from tests.chaos.site import Site
from weir.home import environment
from weir.verify.report import Difference

REPLAY_S = 240.0
KILL_S = (0.3, 3.0)
"""From importing its modules to somewhere in the middle; none is killed at the same place."""

log = structlog.get_logger("chaos")


async def rebuild(site: Site, rng: Random) -> tuple[list[str], list[Difference]]:
    """What was rebuilt, and what differs afterwards."""
    processors = site.fleet.of_role("processor")
    await asyncio.gather(*(member.stop(signal.SIGINT) for member in processors))  # they leave their group at once
    await _interrupted(site, rng, "--state")
    for member in processors:
        member.start()
    await site.works()
    await _interrupted(site, rng, "--projections")
    await site.load.finish()  # work for who runs on what was rebuilt
    await site.load.flush()
    _, restless = await come_to_rest(site)
    differences = [Difference("rest", "rebuilt", None, one) for one in restless]
    return ["state", "projections"], differences + await verified(site)


async def _interrupted(site: Site, rng: Random, what: str) -> None:
    """Kill it twice, then let it end."""
    for _ in range(2):
        replay = await _replay(site, what)
        try:
            async with asyncio.timeout(rng.uniform(*KILL_S)):
                await replay.communicate()
        except TimeoutError:
            replay.kill()
            await replay.communicate()
    replay = await _replay(site, what)
    async with asyncio.timeout(REPLAY_S):
        out, _ = await replay.communicate()
    log.info("replayed", what=what, said=out.decode())
    if replay.returncode != 0:
        raise RuntimeError(f"weir replay {what} ended with {replay.returncode}:\n{out.decode()}")


async def _replay(site: Site, what: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "weir.cli.main",
        "replay",
        what,
        "--json",
        env={**os.environ, **environment(site.settings)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
