"""Worker processes on the real broker: what ends them and what they say then, recovery, hooks, timers, shutdown."""

import json

import pytest
from aiokafka import TopicPartition

from streams.transport.contents import position_key
from tests.transport.harness import (
    TopicReader,
    admin_client,
    create_topics,
    delete_records,
    produce,
    until,
    until_async,
)

EXIT_FATAL = 70
STOP_S = 15.0
"""A worker that finishes its batch stops in less; one that hangs is ended by its own limit after 20 s."""


def numbers(count, keys=10, start=0):
    return [(b"k%d" % (i % keys), b"%d" % i, None) for i in range(start, start + count)]


def in_partition(partition, *values):
    return [(b"k", value, partition) for value in values]


async def topics_of(brokers, app, *, table=True):
    await create_topics(brokers, f"{app}-in", f"{app}-out", *([f"{app}-state-changelog"] if table else []))


async def test_two_failing_attempts_end_the_process_and_one_does_not(brokers, app, start_worker):
    await topics_of(brokers, app)
    await produce(brokers, f"{app}-in", numbers(50))
    twice = start_worker(failures=2)
    assert await twice.exit() == EXIT_FATAL
    assert "FATAL, exiting with code 70" in twice.output
    assert "the body failed twice on" in twice.output
    assert "planted failure of attempt 2" in twice.output
    once = await start_worker(failures=1).ready()
    async with TopicReader(brokers) as reader:
        await until_async(lambda: _count_is(reader, f"{app}-out", 50))
        values = sorted(int(r.value.split()[1]) for rs in (await reader.read(f"{app}-out")).values() for r in rs)
    assert values == list(range(50)), "nothing of the failed attempts was written"
    code, seconds = await once.terminate()
    assert code == 0
    assert seconds < STOP_S
    assert json.loads(" ".join(once.lines("STOPPED")[0]))["reruns"] > 0


async def _count_is(reader, topic, count):
    return await reader.count(topic) >= count


async def _committed_is(brokers, app, partition, offset):
    async with admin_client(brokers) as admin:
        offsets = await admin.list_consumer_group_offsets(app)
    tp = TopicPartition(f"{app}-in", partition)
    return tp in offsets and offsets[tp].offset == offset


async def test_an_agent_that_crashes_outside_of_the_transaction_ends_the_process(brokers, app, start_worker):
    await topics_of(brokers, app)
    await produce(brokers, f"{app}-in", numbers(1))
    worker = start_worker(crash=True)
    assert await worker.exit() == EXIT_FATAL
    assert "outside of the transaction" in worker.output


async def test_a_gap_left_by_retention_ends_the_process_with_what_to_do(brokers, app, start_worker):
    await topics_of(brokers, app)
    await produce(brokers, f"{app}-in", in_partition(0, b"1", b"2", b"3"))
    worker = await start_worker().ready()
    await until(lambda: worker.lines("BATCH"))
    await worker.terminate()
    await produce(brokers, f"{app}-in", in_partition(0, b"4", b"5", b"6"))
    await delete_records(brokers, f"{app}-in", 0, 5)
    worker = start_worker()
    assert await worker.exit() == EXIT_FATAL
    expected = f"Expected {app}-in[0] to hold the next offset 3, but it begins at 5: 2 offsets are gone"
    assert expected in worker.output
    assert "restore the topic, or rebuild the table" in worker.output


@pytest.mark.parametrize("kind", ["group", "stored"])
async def test_a_missing_group_offset_starts_at_the_latest_with_an_alarm_once(brokers, app, start_worker, kind):
    await topics_of(brokers, app, table=False)
    await produce(brokers, f"{app}-in", in_partition(0, b"old"))
    config = {"kind": kind, "body": "forward" if kind == "group" else "silent", "missing": "latest"}
    worker = await start_worker(**config).ready(4)
    assert "Starting at the latest offset 1; what came before is not processed." in worker.output
    await worker.terminate()
    await produce(brokers, f"{app}-in", in_partition(0, b"while it was down"))
    worker = await start_worker(**config).ready(4)
    await until(lambda: worker.lines("BATCH"))
    assert worker.lines("BATCH") == [["0", "1", "2", "1", "1"]], "the start at the latest was kept, nothing is skipped"
    assert "Starting at the latest" not in worker.output


async def test_a_missing_group_offset_can_be_fatal(brokers, app, start_worker):
    await topics_of(brokers, app, table=False)
    new = await start_worker(kind="stored", body="silent", missing="fatal").ready(4)
    await new.terminate()
    assert "ERROR" not in new.output, "nothing was ever written, so nothing can be skipped"
    await produce(brokers, f"{app}-in", in_partition(0, b"1"))
    worker = start_worker(kind="stored", body="silent", missing="fatal", group=f"{app}-other")
    assert await worker.exit() == EXIT_FATAL
    assert "but the group has none." in worker.output
    assert "set the group's offset" in worker.output


async def test_a_group_that_kafka_has_forgotten_goes_on_where_it_was_by_our_own_account(brokers, app, start_worker):
    await topics_of(brokers, app, table=False)
    await create_topics(brokers, f"{app}-positions", partitions=1)
    await produce(brokers, f"{app}-in", in_partition(0, b"1", b"2") + in_partition(1, b"3"))
    config = {"kind": "stored", "body": "silent", "missing": "latest", "kept": f"{app}-positions"}
    worker = await start_worker(**config).ready(4)  # partitions 0 and 1 begin at their ends, 2 and 3 at 0
    await produce(brokers, f"{app}-in", in_partition(0, b"4"))
    await until(lambda: worker.lines("BATCH"))
    await worker.terminate()
    await produce(brokers, f"{app}-in", in_partition(0, b"5") + in_partition(1, b"6") + in_partition(2, b"7"))
    worker = await start_worker(**config | {"missing": "fatal", "group": f"{app}-forgotten"}).ready(4)
    await until(lambda: len(worker.lines("BATCH")) >= 3)
    assert sorted(line[:3] for line in worker.lines("BATCH")) == [["0", "3", "4"], ["1", "1", "2"], ["2", "0", "1"]]
    assert "going on where it was by our own account" in worker.output


async def test_a_missing_topic_and_a_changelog_that_does_not_fit_are_told_before_anything_starts(
    brokers, app, start_worker
):
    await create_topics(brokers, f"{app}-out", f"{app}-state-changelog")
    worker = start_worker()
    assert await worker.exit() == EXIT_FATAL
    assert f"Expected topic {app}-in, but the broker has none of that name; declare it in" in worker.output
    await create_topics(brokers, f"{app}-in", partitions=3)
    worker = start_worker()
    assert await worker.exit() == EXIT_FATAL
    assert f"Expected {app}-state-changelog to have as many partitions as {app}-in (3), but it has 4" in worker.output


async def test_a_worker_that_waits_for_the_broker_says_so_and_can_be_stopped(start_worker):
    worker = start_worker(brokers="127.0.0.1:1")
    await until(lambda: "waiting for Kafka at 127.0.0.1:1" in worker.output, timeout=40)
    code, seconds = await worker.terminate()
    assert code == 0
    assert seconds < STOP_S


async def test_the_group_shows_the_position_of_a_table(brokers, app, start_worker):
    await topics_of(brokers, app)
    await start_worker().ready(4)
    await produce(brokers, f"{app}-in", in_partition(2, b"1", b"2", b"3"))
    await until_async(lambda: _committed_is(brokers, app, 2, 3))


async def test_stored_offsets_are_flushed_every_second_and_on_revocation(brokers, app, start_worker):
    await topics_of(brokers, app, table=False)
    config = {"kind": "stored", "body": "silent", "missing": "latest", "slow_revoke_s": 0.3, "member_id": "w0"}
    worker = await start_worker(**config).ready(4)
    await produce(brokers, f"{app}-in", in_partition(2, b"1", b"2"))
    await until(lambda: worker.lines("BATCH"))
    code, seconds = await worker.terminate()
    assert code == 0
    assert 0.3 < seconds < STOP_S
    assert sorted(line[0] for line in worker.lines("REVOKED")) == ["0", "1", "2", "3"]
    successor = await start_worker(**config).ready(4)
    await produce(brokers, f"{app}-in", in_partition(2, b"3"))
    await until(lambda: successor.lines("BATCH"))
    assert successor.lines("BATCH")[0][:3] == ["2", "2", "3"]
    await until_async(lambda: _committed_is(brokers, app, 2, 3))
    successor.process.kill()
    await successor.exit()
    last = await start_worker(**config).ready(4)
    await produce(brokers, f"{app}-in", in_partition(2, b"4"))
    await until(lambda: last.lines("BATCH"))
    assert last.lines("BATCH")[0][:3] == ["2", "3", "4"], "flushed while it ran, so even kill -9 repeats nothing"


async def test_external_positions_are_read_at_assignment(brokers, app, start_worker):
    await topics_of(brokers, app, table=False)
    await produce(brokers, f"{app}-in", in_partition(0, b"a", b"b", b"c", b"d") + in_partition(1, b"e"))
    worker = await start_worker(kind="external", body="silent", positions={"0": 2}).ready(4)
    await until(lambda: len(worker.lines("BATCH")) >= 2)
    assert sorted(line[:4] for line in worker.lines("BATCH")) == [["0", "2", "4", "2"], ["1", "0", "1", "1"]]
    assert worker.lines("ASKED") == [["0", "1", "2", "3"]]
    await worker.terminate()


async def test_recovery_of_fifty_thousand_keys(brokers, app, start_worker):
    await topics_of(brokers, app)
    state = b"[1,1]" + b" " * 200
    await produce(brokers, f"{app}-state-changelog", [(b"k%d" % i, state, i % 4) for i in range(50_000)])
    positions = [(position_key(f"{app}-in"), b"0", p) for p in range(4)]
    await produce(brokers, f"{app}-state-changelog", [*positions, (b"k0", None, 0)])
    worker = await start_worker().ready(4)
    assert sum(int(count) for _, count in worker.lines("ASSIGNED")) == 49_999, "the tombstone removed one"
    code, _ = await worker.terminate()
    assert code == 0


async def test_timers_fire_once_in_time_and_survive_a_kill(brokers, app, start_worker):
    await topics_of(brokers, app)
    worker = await start_worker(body="timer", member_id="w0").ready(4)
    delays = [(b"t%d" % i, b"%d" % (200 + 20 * i), i % 4) for i in range(40)]
    late = [(b"later%d" % i, b"6000", i % 4) for i in range(4)]
    await produce(brokers, f"{app}-in", delays + late)
    async with TopicReader(brokers) as reader:
        await until_async(lambda: _count_is(reader, f"{app}-out", 40))
        worker.process.kill()
        await worker.exit()
        worker = await start_worker(worker).ready(4)
        await until_async(lambda: _count_is(reader, f"{app}-out", 44))
        fired = {r.key: r.value.split() for rs in (await reader.read(f"{app}-out")).values() for r in rs}
        assert await reader.count(f"{app}-out") == 44
    assert {count for count, _ in fired.values()} == {b"1"}, "each fires once"
    lateness = sorted(int(ms) for name, (_, ms) in fired.items() if name.startswith(b"t"))
    assert lateness[0] >= 0
    await worker.terminate()
