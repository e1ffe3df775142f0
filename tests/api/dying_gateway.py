"""A gateway that kills itself where the environment says, in the middle of a page of a bulk operation."""

import os
import signal
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.settings import Settings
from weir.api import run as gateway
from weir.api.bulk import page, table

VARIABLE = "WEIR_TEST_DIES"
POINTS = ("before the commit", "after the commit", "before the count", "after the count")


def run(settings: Settings) -> None:
    """Serve, until the point is reached."""
    point = os.environ[VARIABLE]
    commit, send, over = AIOKafkaProducer.commit_transaction, page.send, table.over

    def reach(here: str) -> None:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)

    async def committing(self: Any) -> None:
        reach("before the commit")
        await commit(self)

    async def sending(*args: Any) -> Any:
        sent = await send(*args)
        reach("after the commit")
        return sent

    async def counting(*args: Any) -> bool:
        reach("before the count")
        was_ours = await over(*args)
        reach("after the count")
        return was_ours

    AIOKafkaProducer.commit_transaction = committing
    page.send, table.over = sending, counting
    gateway.run(settings)
