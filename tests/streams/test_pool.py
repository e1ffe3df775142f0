"""The pool: how many jobs run at a time, in what order they begin, and what stops."""

import asyncio

import pytest

from streams import pool as pool_module
from streams.pool import Pool
from tests.roles import until


class Jobs:
    """Jobs that end when the test says so; ``begun`` in order, ``most`` at a time."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.running = self.most = 0
        self.tasks: set[object] = set()
        self.end = asyncio.Event()

    async def wait(self, job: int) -> None:
        self.begun.append(job)
        self.running += 1
        self.most = max(self.most, self.running)
        await self.end.wait()
        self.running -= 1

    async def at_once(self, job: int) -> None:
        self.begun.append(job)
        self.tasks.add(asyncio.current_task())


async def begun(jobs: Jobs, number: int) -> None:
    await until(lambda: len(jobs.begun) == number, lambda: str(jobs.begun))


async def test_jobs_that_wait_run_at_the_same_time_up_to_the_size():
    jobs = Jobs()
    pool = Pool(3, jobs.wait)
    for job in range(5):
        pool.put(job)
    await begun(jobs, 3)
    pool.put(5)
    jobs.end.set()
    await begun(jobs, 6)
    assert (jobs.begun, jobs.most) == ([0, 1, 2, 3, 4, 5], 3)


async def test_jobs_that_wait_for_nothing_share_a_worker():
    jobs = Jobs()
    pool = Pool(64, jobs.at_once)
    for job in range(pool_module.AT_A_STRETCH):
        pool.put(job)
    await begun(jobs, pool_module.AT_A_STRETCH)
    assert len(jobs.tasks) == 1


async def test_after_a_rest_it_goes_on():
    jobs = Jobs()
    pool = Pool(2, jobs.at_once)
    for job in range(3):
        pool.put(job)
        await begun(jobs, job + 1)


async def test_jobs_that_have_not_begun_can_be_taken_back():
    jobs = Jobs()
    pool = Pool(1, jobs.wait)
    for job in range(6):
        pool.put(job)
    await begun(jobs, 1)
    assert pool.take_back(lambda job: job % 2 == 0) == [2, 4]
    jobs.end.set()
    await begun(jobs, 4)
    assert jobs.begun == [0, 1, 3, 5]


async def test_a_stop_cancels_what_runs_and_forgets_the_rest():
    jobs = Jobs()
    pool = Pool(2, jobs.wait)
    for job in range(4):
        pool.put(job)
    await begun(jobs, 2)
    await pool.stop()
    jobs.end.set()
    assert (jobs.begun, jobs.running) == ([0, 1], 2)
    assert pool.take_back(lambda _: True) == []


async def test_a_job_that_raises_ends_the_process(monkeypatch: pytest.MonkeyPatch):
    ended: list[BaseException | None] = []
    monkeypatch.setattr(pool_module, "exit_process", lambda _message, error=None: ended.append(error))

    async def fail(job: int) -> None:
        raise ValueError(job)

    Pool(1, fail).put(7)
    await until(lambda: bool(ended), lambda: "still there")
    assert str(ended[0]) == "7"
