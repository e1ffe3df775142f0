"""Every role ends when it is told to, also while Kafka is away."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from streams.settings import Settings
from tests.roles import running
from tests.site import make_site
from weir.role import MODULES
from weir.stack.ports import free_port_numbers
from weir.stack.stack import Stack

logger = logging.getLogger(__name__)
DEADLINE_S = 10.0
"""Two seconds on a quiet machine; tests run on others too."""


async def test_roles_that_have_lost_kafka_end_when_they_are_told_to(
    settings: Settings, tmp_path: Path, running_stack: Stack
) -> None:
    own, _ = await make_site(settings, tmp_path, station=True)
    (port,) = free_port_numbers(1, 22000, 22999)  # a plant beside the tests may have the gateway's own
    own = own.model_copy(update={"api_port": port})
    async with AsyncExitStack() as stack:
        roles = {
            name: await stack.enter_async_context(running(module, own, tmp_path)) for name, module in MODULES.items()
        }
        await asyncio.gather(*[role.works() for role in roles.values()])
        await asyncio.to_thread(running_stack.stop_process, "kafka")
        try:
            took = dict(zip(roles, await asyncio.gather(*[role.stop() for role in roles.values()]), strict=True))
        finally:
            await asyncio.to_thread(running_stack.up)
    logger.info("ended after %s", ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items()))
    assert max(took.values()) < DEADLINE_S, took
