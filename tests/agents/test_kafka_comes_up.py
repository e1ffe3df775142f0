"""Roles that are started while Kafka is coming up work on every partition once it is there."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from streams.settings import Settings
from tests.roles import running
from tests.site import make_site
from weir.role import MODULES
from weir.stack.stack import Stack

READERS = ("processor", "router", "actions", "projector")


async def test_roles_that_were_started_before_kafka_work_once_it_is_there(
    settings: Settings, tmp_path: Path, running_stack: Stack
) -> None:
    own, topics = await make_site(settings, tmp_path)
    await asyncio.to_thread(running_stack.stop_process, "kafka")
    async with AsyncExitStack() as stack:
        try:
            roles = [await stack.enter_async_context(running(MODULES[name], own, tmp_path)) for name in READERS]
            await asyncio.gather(*[role.said("waiting for Kafka") for role in roles])
        finally:
            await asyncio.to_thread(running_stack.up)
        await asyncio.gather(*[role.works() for role in roles])
        await roles[0].said("partition taken over", times=topics.partitions)
