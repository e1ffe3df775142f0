"""Bugs in the action worker."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams import performing
from streams.outbox import Outbox
from streams.performing import Answer, Performing, Requested
from streams.progress import Progress
from tests.mutations.replacing import replaced

SLOW_S = 1.5


@contextmanager
def swallow_an_error() -> Iterator[None]:
    """What has failed is answered as if it were done."""

    def done(_: Any) -> Any:
        return lambda requested, *_args, **_options: performing._completed(requested, {})

    with replaced(performing, "_failed", done):
        yield


@contextmanager
def position_ahead_of_the_answers() -> Iterator[None]:
    """The position tells what was taken, not what is finished: whoever dies forgets what was under way.

    Actions take their time, so that there is something.
    """

    def slow(original: Any) -> Any:
        async def answer(self: Performing, requested: Requested) -> Answer:
            await asyncio.sleep(SLOW_S)
            found: Answer = await original(self, requested)
            return found

        return answer

    ahead = property(lambda self: self._next)
    with replaced(Progress, "position", lambda _: ahead), replaced(Performing, "answer", slow):
        yield


@contextmanager
def answer_what_is_not_performed() -> Iterator[None]:
    """Requests of every other execution are answered and left undone."""

    def hasty(original: Any) -> Any:
        async def answer(self: Performing, requested: Requested) -> Answer:
            if requested.execution % 2:
                return performing._completed(requested, {})
            found: Answer = await original(self, requested)
            return found

        return answer

    with replaced(Performing, "answer", hasty):
        yield


@contextmanager
def answers_count_before_kafka_has_them() -> Iterator[None]:
    """An answer counts as sent when it is handed to the producer."""

    def hasty(original: Any) -> Any:
        async def send(self: Any, to: Any, waiting: Any) -> None:
            sent, self._sent = self._sent, lambda _: None
            sent([item for _, item in waiting])
            try:
                await original(self, to, waiting)
            finally:
                self._sent = sent

        return send

    with replaced(Outbox, "_send", hasty):
        yield
