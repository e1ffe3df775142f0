"""Workers are killed, stopped past their session, joined and ended in the middle of batches, under load.

Afterwards input, output and state are compared by content: nothing lost, nothing twice, in order, and the state is the
fold of the history.
"""

import asyncio
import json
import random
import signal
import time
from collections import defaultdict

import pytest
from aiokafka import AIOKafkaProducer

from streams.transport.contents import POSITION
from tests.transport.harness import BATCH, COMMIT, TopicReader, create_topics, until, until_async

KEYS = 200
EXIT_FATAL = 70
SESSION_S = 6.0


class Load:
    """Writes numbered inputs with random keys at a steady rate until it is stopped."""

    def __init__(self, brokers, topic, rate):
        self.brokers, self.topic, self.rate, self.sent = brokers, topic, rate, 0
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self):
        keys = random.Random(1)
        async with AIOKafkaProducer(bootstrap_servers=self.brokers, enable_idempotence=True, linger_ms=5) as producer:
            began, futures = time.monotonic(), []
            while not self._stop.is_set():
                due = int((time.monotonic() - began) * self.rate)
                for i in range(self.sent, due):
                    key = b"k%d" % keys.randrange(KEYS)
                    futures.append(await producer.send(self.topic, b"%d" % i, key))
                self.sent = max(self.sent, due)
                await asyncio.sleep(0.02)
            await asyncio.gather(*futures)

    async def stop(self):
        self._stop.set()
        await self._task
        return self.sent


def by_key(topic):
    values = defaultdict(list)
    for records in topic.values():
        for record in records:
            values[record.key].append(record.value)
    return values


async def compare_fold(reader, app, sent):
    """History against inputs, state against history, positions against the end of the inputs."""
    inputs, history = await reader.read(f"{app}-in"), await reader.read(f"{app}-out")
    changelog = await reader.read(f"{app}-state-changelog")
    want, got = by_key(inputs), {k: [v.split() for v in values] for k, values in by_key(history).items()}
    assert sum(map(len, want.values())) == sent
    state, positions = {}, {}
    for partition, records in changelog.items():
        for record in records:
            if record.key.startswith(POSITION):
                positions[partition] = int(record.value)
            else:
                state[record.key] = json.loads(record.value)
    for key, values in want.items():
        assert [number for _, number in got[key]] == values, f"{key}: lost, repeated or out of order"
        assert [int(seq) for seq, _ in got[key]] == list(range(1, len(values) + 1))
        checksum = 0
        for value in values:
            checksum = (checksum * 31 + int(value)) & 0xFFFFFFFF
        assert state[key] == [len(values), checksum]
    assert state.keys() == want.keys() == got.keys()
    assert positions == {partition: records[-1].offset + 1 for partition, records in inputs.items()}


async def drained(reader, app, sent):
    """Wait until as many committed outputs exist as inputs were sent."""
    last = -1

    async def done():
        nonlocal last
        end = await reader.end(f"{app}-out")
        if end < sent or end == last:
            return end >= sent and await reader.count(f"{app}-out") >= sent
        last = end
        return False

    await until_async(done, 60)


@pytest.mark.timeout(300)
async def test_kill_zombie_join_and_leave_under_load(brokers, app, start_worker):
    await create_topics(brokers, f"{app}-in", f"{app}-out", f"{app}-state-changelog")
    config = {"work_s": 0.03, "session_timeout_s": SESSION_S, "max_records": 300}
    workers = [start_worker(member_id=f"w{i}", **config) for i in range(2)]
    for worker in workers:
        await worker.ready()
    load, hits = Load(brokers, f"{app}-in", 1500), []

    for i in (0, 1, 0, 1, 0, 0):  # kill -9 in a batch or in a commit, restart at once
        hits.append(await workers[i].strike(signal.SIGKILL, random.choice((BATCH, COMMIT, COMMIT))))
        await workers[i].exit()
        workers[i] = await start_worker(workers[i]).ready()

    joined = await start_worker(member_id="w2", **config).ready()  # join and leave
    hits.append(await joined.strike(signal.SIGTERM, BATCH))
    assert await joined.exit() == 0

    # The zombie: stopped in a batch past its session, so that others take over and go on; then it wakes up.
    zombie = workers[1]
    hits.append(await zombie.strike(signal.SIGSTOP, COMMIT))
    before = len(workers[0].lines("ASSIGNED"))
    await until(lambda: len(workers[0].lines("ASSIGNED")) >= before + 4, timeout=30, every=0.05)
    moved = len(workers[0].lines("BATCH"))
    await until(lambda: len(workers[0].lines("BATCH")) > moved + 4, every=0.05)
    zombie.process.send_signal(signal.SIGCONT)

    sent = await load.stop()
    async with TopicReader(brokers) as reader:
        await drained(reader, app, sent)
        await compare_fold(reader, app, sent)
    assert sum(hits) >= 6, f"only {sum(hits)} of {len(hits)} faults hit a batch in flight"
    assert zombie.code in (None, EXIT_FATAL)
    assert "Traceback" not in workers[0].output


@pytest.mark.timeout(300)
async def test_the_router_forwards_exactly_once_under_kill(brokers, app, start_worker):
    await create_topics(brokers, f"{app}-in", f"{app}-out")
    worker = await start_worker(
        kind="group", body="forward", missing="latest", member_id="r0", work_s=0.02, max_records=200
    ).ready(4)
    load, hits = Load(brokers, f"{app}-in", 1000), []
    for at in (COMMIT, BATCH, COMMIT, COMMIT, BATCH):
        hits.append(await worker.strike(signal.SIGKILL, at))
        await worker.exit()
        worker = await start_worker(worker).ready(4)
    sent = await load.stop()
    async with TopicReader(brokers) as reader:
        await drained(reader, app, sent)
        inputs, outputs = await reader.read(f"{app}-in"), await reader.read(f"{app}-out")
    for partition, records in inputs.items():
        assert [r.value for r in outputs[partition]] == [r.value for r in records], f"partition {partition}"
        assert [int(r.headers[0][1]) for r in outputs[partition]] == [r.offset for r in records]
    assert sum(map(len, inputs.values())) == sent
    assert sum(hits) >= 3
