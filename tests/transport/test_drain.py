"""SIGTERM in the middle of batches, under load: the process ends by itself, and nothing is lost or done twice."""

import logging
import signal
import time

import pytest

from tests.transport.harness import BATCH, COMMIT, TopicReader, create_topics, until
from tests.transport.test_chaos import Load, compare_fold, drained

DEADLINE_S = 10.0
"""Two seconds on a quiet machine; tests run on others too."""
logger = logging.getLogger(__name__)
STRIKES = (BATCH, COMMIT, BATCH, COMMIT)


async def terminate(worker, at):
    """SIGTERM while something is in flight: whether it was, and the seconds that the process took to end."""
    hit = await worker.strike(signal.SIGTERM, at)
    began = time.monotonic()
    assert await worker.exit() == 0, worker.output
    return hit, time.monotonic() - began


@pytest.mark.timeout(300)
@pytest.mark.parametrize("static", [True, False])
async def test_a_worker_under_load_ends_in_time_and_loses_nothing(brokers, app, start_worker, static):
    await create_topics(brokers, f"{app}-in", f"{app}-out", f"{app}-state-changelog")
    config = {"work_s": 0.03, "max_records": 300, "member_id": "w0" if static else None}
    worker = await start_worker(**config).ready(4)
    load, ends = Load(brokers, f"{app}-in", 1500), []
    for at in STRIKES:
        ends.append(await terminate(worker, at))
        worker = await start_worker(worker).ready(4)
    sent = await load.stop()
    async with TopicReader(brokers) as reader:
        await drained(reader, app, sent)
        await compare_fold(reader, app, sent)
    seconds = sorted(took for _, took in ends)
    logger.info("ended after %s s", ", ".join(f"{took:.2f}" for took in seconds))
    assert sum(hit for hit, _ in ends) >= 2, "SIGTERM hit no batch in flight"
    assert seconds[-1] < DEADLINE_S


@pytest.mark.timeout(300)
async def test_a_worker_that_ends_while_the_group_rebalances_gives_nothing_away_that_it_works_on(
    brokers, app, start_worker
):
    await create_topics(brokers, f"{app}-in", f"{app}-out", f"{app}-state-changelog")
    config = {"work_s": 0.05, "max_records": 300}
    workers = [await start_worker(**config).ready(4)]
    load, ends = Load(brokers, f"{app}-in", 1000), []
    for at in STRIKES:
        joining = start_worker(**config)
        leaving = workers.pop(0)
        await until(lambda leaving=leaving: leaving.lines("REVOKED"), timeout=40)
        ends.append(await terminate(leaving, at))
        workers.append(await joining.ready(4))
    sent = await load.stop()
    async with TopicReader(brokers) as reader:
        await drained(reader, app, sent)
        await compare_fold(reader, app, sent)
    assert max(took for _, took in ends) < DEADLINE_S
