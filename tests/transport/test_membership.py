"""The consumer group on the real broker: partitions that nobody has, and members that come back or leave for good."""

import asyncio
import contextlib
import signal
from types import SimpleNamespace
from unittest.mock import AsyncMock

import aiokafka
import pytest
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from streams.transport.consumer import LaneConsumer
from streams.transport.membership import ASK_OTHERS_EVERY, Membership, leave
from streams.transport.port import TopicPartition
from streams.transport.thread import ConsumerThread, LaneRebalanceListener
from tests.transport.harness import create_topics, produce, until, until_async

PATIENT_MS = 30_000
"""A session timeout that no test waits for."""


@contextlib.asynccontextmanager
async def member(brokers, group, topic, **options):
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=brokers,
        group_id=group,
        enable_auto_commit=False,
        session_timeout_ms=PATIENT_MS,
        heartbeat_interval_ms=200,
        **options,
    )
    await consumer.start()
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        await consumer.stop()


async def joined(membership):
    await membership.look()
    return membership.joined


async def test_partitions_that_the_leader_was_not_told_are_assigned_when_they_are_there(brokers, app):
    """Without looking it would take ``metadata_max_age_ms``, five minutes."""
    async with member(brokers, app, app) as consumer:
        membership = Membership(consumer)
        await until_async(lambda: joined(membership))
        assert consumer.assignment() == set()
        await create_topics(brokers, app, partitions=2)

        async def assigned():
            await membership.look()
            return len(consumer.assignment()) == 2

        await until_async(assigned)


class Forgetful(RoundRobinPartitionAssignor):
    """A leader that knows of one partition only."""

    @classmethod
    def assign(cls, cluster, members):
        known = type("Cluster", (), {"partitions_for_topic": lambda _, topic: {0}})
        return RoundRobinPartitionAssignor.assign(known(), members)


async def test_a_member_without_a_part_learns_what_nobody_has(brokers, app):
    await create_topics(brokers, app, partitions=3)
    forgetful = {"partition_assignment_strategy": [Forgetful]}
    async with member(brokers, app, app, **forgetful) as one, member(brokers, app, app, **forgetful) as other:
        await until_async(lambda: both_in_one_group(one, other))
        idle, busy = (one, other) if not one.assignment() else (other, one)
        looks = {consumer: Membership(consumer) for consumer in (idle, busy)}
        for _ in range(ASK_OTHERS_EVERY):
            await asyncio.gather(*[membership.look() for membership in looks.values()])
        assert looks[idle].unassigned == {TopicPartition(app, 1), TopicPartition(app, 2)}
        assert looks[busy].unassigned == frozenset(), "it has a part, and asks nobody"


async def both_in_one_group(one, other):
    return len(one.assignment() | other.assignment()) == 1 and await joined(Membership(one)) == await joined(
        Membership(other)
    )


async def test_a_static_member_that_ends_for_good_hands_its_partitions_over_at_once(brokers, app):
    await create_topics(brokers, app, partitions=2)
    async with member(brokers, app, app, group_instance_id="a") as one:
        await until(lambda: len(one.assignment()) == 2, 30)
        await leave(one, for_good=True)
        async with member(brokers, app, app, group_instance_id="b") as other:
            await until(lambda: len(other.assignment()) == 2, PATIENT_MS / 1000 - 10)


async def test_a_static_member_that_comes_back_has_its_partitions_without_a_rebalance(brokers, app):
    await create_topics(brokers, app, partitions=2)
    async with member(brokers, app, app, group_instance_id="a") as other:
        async with member(brokers, app, app, group_instance_id="b") as one:
            await until(lambda: len(one.assignment()) == 1 == len(other.assignment()), 30)
            had, generation = one.assignment(), other._coordinator.generation
            await leave(one, for_good=False)
        async with member(brokers, app, app, group_instance_id="b") as one:
            await until(lambda: one.assignment() == had, PATIENT_MS / 1000 - 10)
        assert other._coordinator.generation == generation


async def test_leaving_without_a_consumer_or_a_coordinator_is_nothing():
    await leave(None, for_good=True)


@pytest.mark.parametrize("static", [True, False])
async def test_a_worker_that_is_interrupted_hands_its_partitions_over_at_once(brokers, app, start_worker, static):
    await create_topics(brokers, f"{app}-in", f"{app}-out", f"{app}-state-changelog")
    config = {"session_timeout_s": PATIENT_MS / 1000}
    first = await start_worker(member_id="a" if static else None, **config).ready(4)
    second = await start_worker(member_id="b" if static else None, **config).ready(2)
    before = len(second.lines("ASSIGNED"))
    first.process.send_signal(signal.SIGINT)
    assert await first.exit() == 0
    await until(lambda: len(second.lines("ASSIGNED")) >= before + 4, PATIENT_MS / 1000 - 10)


def test_an_input_that_was_assigned_without_its_changelog_does_not_start(caplog):
    """It would begin anew, with no state; the leader will learn of the changelog."""
    sources = {"in": SimpleNamespace(table=SimpleNamespace(changelog="log")), "plain": SimpleNamespace(table=None)}
    consumer = SimpleNamespace(tx=SimpleNamespace(sources=sources))
    assigned = {("in", 0), ("log", 0), ("in", 1), ("plain", 3)}
    assert set(LaneConsumer._whole(consumer, assigned)) == assigned - {("in", 1)}
    assert "in[1] was assigned without log" in caplog.text


async def test_a_member_that_reads_nothing_stays_as_long_as_it_is_looked_at(brokers, app):
    """Lanes read through a consumer of their own; aiokafka would take the group's member for one that hangs."""
    await create_topics(brokers, app, partitions=2)
    idle = {"max_poll_interval_ms": 1000}
    async with (
        member(brokers, app, app, **idle) as looked_at,
        member(brokers, f"{app}-alone", app, **idle) as alone,
    ):
        membership, other = Membership(looked_at), Membership(alone)
        await until_async(lambda: joined(membership))
        await until_async(lambda: joined(other))
        generation = looked_at._coordinator.generation

        async def has_left():
            await membership.look()
            return alone._coordinator.generation < 0

        await until_async(has_left)
        assert membership.joined
        assert looked_at._coordinator.generation == generation


async def test_the_member_leaves_to_lanes_what_they_read(brokers, app):
    lanes, tables = f"{app}-lanes", f"{app}-tables"
    for topic in (lanes, tables):
        await create_topics(brokers, topic, partitions=1)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=brokers, group_id=app, auto_offset_reset="earliest")
    of_app = SimpleNamespace(tx=SimpleNamespace(sources={lanes: None}), consumer_generation_id=0)
    of_thread = SimpleNamespace(app=of_app, _ensure_consumer=lambda: consumer, on_partitions_assigned=AsyncMock())
    of_thread.leave_to_lanes = lambda tps: ConsumerThread.leave_to_lanes(of_thread, tps)
    await consumer.start()
    try:
        consumer.subscribe([lanes, tables], listener=LaneRebalanceListener(of_thread))
        for _ in range(5):
            await produce(brokers, lanes, [(b"k", b"lane", 0)])
            await produce(brokers, tables, [(b"k", b"table", 0)])
            async with asyncio.timeout(30):
                assert (await consumer.getone()).value == b"table"
        assert consumer.paused() == {aiokafka.TopicPartition(lanes, 0)}
        assert not consumer._fetcher._records.keys() & consumer.paused()
        of_thread.on_partitions_assigned.assert_awaited()
    finally:
        await consumer.stop()
