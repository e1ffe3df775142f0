import asyncio
import contextlib

import pytest

from streams import cancelling
from streams.cancelling import cancel


async def swallows(how_often: int) -> None:
    for _ in range(how_often):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_what_swallows_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "AGAIN_S", 0.01)
    tasks = [asyncio.create_task(swallows(times)) for times in (0, 1, 3)]
    await asyncio.sleep(0)
    await cancel(tasks)
    assert [task.cancelled() for task in tasks] == [True] * 3


async def test_what_a_task_raises_on_its_way_out_is_dropped() -> None:
    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("gone")

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await cancel([task])
    assert isinstance(task.exception(), OSError)
    await cancel([task])
    await cancel([])
