"""What a role tells of its start, with an app that is none."""

import asyncio
import os
from importlib import import_module
from types import SimpleNamespace

from streams import ready
from streams.transport import preflight

run = import_module("streams.transport.run")  # the package has a function of that name


class App:
    """Starts once ``recovered``, and runs until ``stopped``."""

    should_stop, tx, conf = False, None, SimpleNamespace(id="plant")

    def __init__(self) -> None:
        self.recovered, self.stopped = asyncio.Event(), asyncio.Event()
        self.done: int | None = None
        self.tables = SimpleNamespace(recovery=self)

    def reached(self):
        return None if self.done is None else ready.Reached(self.done, 1000)

    async def start(self):
        await self.recovered.wait()

    async def wait_until_stopped(self):
        await self.stopped.wait()


async def test_a_start_tells_how_far_its_recovery_is_and_then_nothing_more(tmp_path, monkeypatch):
    file, pid, app = tmp_path / "processor.ready", os.getpid(), App()

    async def nothing(_):
        pass

    async def told(expected):
        async with asyncio.timeout(10):
            while ready.told(file, pid) != expected:  # noqa: ASYNC110  a file
                await asyncio.sleep(0.01)

    monkeypatch.setenv(ready.VARIABLE, str(file))
    monkeypatch.setattr(preflight, "check", nothing)
    monkeypatch.setattr(run, "PROGRESS_S", 0.01)
    monkeypatch.setattr(run.gc, "freeze", lambda: None)
    running = asyncio.create_task(run._run(app, asyncio.Event()))
    for done in (1, 430):
        app.done = done
        await told((done, 1000))
    app.recovered.set()
    await told(True)
    app.done = 999
    others = asyncio.all_tasks() - {asyncio.current_task(), running}
    assert not others, "nothing goes on telling"
    app.stopped.set()
    await running
    assert ready.told(file, pid) is True
