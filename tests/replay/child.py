"""A replay that is killed, in a process of its own: ``main(nth, moment)``, with the settings in the environment.

``moment`` is ``open``, with the records of the partition's transaction at the broker and no word of its commit, or
``committed``, right after it.
"""

import asyncio
import os
import signal
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.settings import Settings
from streams.topics import load_topics
from weir.replay import replay_state


def main(nth: int, moment: str) -> None:
    """Replay, up to the ``nth`` transaction."""
    seen = 0
    real = AIOKafkaProducer.commit_transaction

    async def commit(self: AIOKafkaProducer, *arguments: Any) -> None:
        nonlocal seen
        seen += 1
        if (seen, moment) == (nth, "open"):
            await self.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        await real(self, *arguments)
        if (seen, moment) == (nth, "committed"):
            os.kill(os.getpid(), signal.SIGKILL)

    AIOKafkaProducer.commit_transaction = commit
    settings = Settings()
    asyncio.run(replay_state(settings, load_topics(settings)))
