"""What a sender learns of its commands, from the topics alone."""

import asyncio
import uuid
from dataclasses import replace

import pytest

from streams.core import ids
from streams.core.commands import Cancel, DeployDefinition, Observe, Signal, StartProcess
from streams.core.decide import home_of
from streams.core.parse import parse_definition
from tests.api.inside import settings_of
from tests.cli.conftest import Plant
from weir import client as client_module
from weir.client import SHARED_S, ClientError, CommandClient
from weir.watch import Accepted, DeadLettered, NoAnswerError, Refused

APPROVAL = parse_definition("""
id: approval
name: Approval
version: 1
trigger: {type: api}
activities:
  - {id: wait, type: message, name: decided}
  - {id: end, type: end}
""")
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def working(bare_plant: Plant) -> Plant:
    """A plant with a processor and the definition; no projector, no database is asked."""
    bare_plant.start("processor")
    command = DeployDefinition(definition=APPROVAL.model_dump(mode="json"))

    async def deploy() -> None:
        async with CommandClient(bare_plant.settings) as client:
            assert isinstance(await client.send_and_wait(command, TIMEOUT_S), Accepted)

    asyncio.run(deploy())
    return bare_plant


@pytest.fixture
def key() -> str:
    return f"order-{uuid.uuid4().hex[:8]}"


async def test_an_accepted_start_names_its_instance(working, key):
    async with CommandClient(working.settings) as client:
        outcome = await client.send_and_wait(StartProcess(definition_id="approval", key=key), TIMEOUT_S)
    assert isinstance(outcome, Accepted)
    (instance,) = outcome.subjects
    assert [event.type for event in outcome.events] == ["started", "activity_started", "message_awaited"]
    assert ids.partition_of(instance) == outcome.partition == ids.partition_for(key, client.partitions)


async def test_a_start_without_a_key_may_live_anywhere(working):
    async with CommandClient(working.settings) as client:
        outcomes = [await client.send_and_wait(StartProcess(definition_id="approval"), TIMEOUT_S) for _ in range(12)]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len({outcome.partition for outcome in outcomes}) > 1


def test_starts_without_a_key_share_a_partition_for_a_moment_and_each_has_its_turn(monkeypatch):
    client = CommandClient(settings_of())
    client._partitions = 8
    moments = []
    for moment in range(16):
        monkeypatch.setattr(client_module.time, "monotonic", lambda moment=moment: (1000.5 + moment) * SHARED_S)
        (partition,) = {ids.partition_of(client.new_instance_id()) for _ in range(50)}
        moments.append(partition)
    assert set(moments[:8]) == set(range(8))
    assert moments[8:] == moments[:8]


async def test_a_sender_may_choose_the_id(working, key):
    async with CommandClient(working.settings) as client:
        mine = client.new_instance_id(key)
        command = StartProcess(definition_id="approval", key=key, instance_id=mine)
        first = await client.send_and_wait(command, TIMEOUT_S)
        second = await client.send_and_wait(command, TIMEOUT_S)
    assert isinstance(first, Accepted)
    assert first.subjects == [mine]
    assert isinstance(second, Refused)
    assert (second.reason, second.subject) == ("already_exists", mine)


async def test_cancelling_what_runs_for_a_key(working, key):
    async with CommandClient(working.settings) as client:
        one = await client.send_and_wait(StartProcess(definition_id="approval", key=key), TIMEOUT_S)
        cancelled = await client.send_and_wait(Cancel(key=key, reason="enough"), TIMEOUT_S)
        nothing = await client.send_and_wait(Cancel(key=key), TIMEOUT_S)
    assert isinstance(one, Accepted)
    assert isinstance(cancelled, Accepted)
    assert [(event.type, event.subject) for event in cancelled.events] == [("cancelled", one.subjects[0])]
    assert isinstance(nothing, Refused)
    assert nothing.reason == "unknown_instance"


async def test_the_end_of_an_instance(working, key):
    async with CommandClient(working.settings) as client:
        await client.send(Signal(name="decided", key=key, payload={"approved": True}))
        async with client.watch(StartProcess(definition_id="approval", key=key)) as watch:
            outcome = await watch.outcome(TIMEOUT_S)
            assert isinstance(outcome, Accepted)
            ended = await watch.ended(outcome.subjects[0], TIMEOUT_S)
    assert (ended.event.type, ended.variables) == ("completed", {})


async def test_bytes_that_are_no_command_are_a_dead_letter(working, key, monkeypatch):
    monkeypatch.setattr(client_module, "encode_command", lambda _: b'{"type": "make_coffee"}')
    async with CommandClient(working.settings) as client:
        outcome = await client.send_and_wait(Signal(name="decided", key=key), TIMEOUT_S)
    assert isinstance(outcome, DeadLettered)
    assert "make_coffee" in outcome.message


async def test_answers_find_their_own_senders(working):
    """Many at once, in all partitions: each hears of its own command."""
    keys = [f"order-{uuid.uuid4().hex[:8]}" for _ in range(8)]
    async with CommandClient(working.settings) as client:
        starts = [StartProcess(definition_id="approval", key=one) for one in keys]
        outcomes = await asyncio.gather(*(client.send_and_wait(start, TIMEOUT_S) for start in starts))
    assert [outcome.events[0].data["key"] for outcome in outcomes if isinstance(outcome, Accepted)] == keys


async def test_no_answer_says_where_the_command_is(working, key):
    working.stack.stop_process("processor")
    try:
        async with CommandClient(working.settings) as client:
            with pytest.raises(NoAnswerError, match=r"partition \d+, offset \d+"):
                await client.send_and_wait(StartProcess(definition_id="approval", key=key), 1.0)
    finally:
        working.start("processor")
    async with CommandClient(working.settings) as client:
        again = await client.send_and_wait(StartProcess(definition_id="approval", key=key), TIMEOUT_S)
    assert isinstance(again, Refused), "the first was decided once a processor ran"
    assert again.reason == "already_running"


async def test_a_command_that_no_partition_could_decide(working):
    async with CommandClient(working.settings) as client:
        with pytest.raises(ValueError, match="Expected 'instance_id' or 'key'"):
            await client.send(Signal(name="decided"))


async def test_without_topics_the_message_says_what_to_do(working, monkeypatch):
    monkeypatch.setattr(client_module, "METADATA_TIMEOUT_S", 1.0)
    topics = replace(working.topics, commands=replace(working.topics.commands, name="nowhere"))
    with pytest.raises(ClientError, match="weir topics apply"):
        async with CommandClient(working.settings, topics):
            pytest.fail("the client was entered")


@pytest.mark.parametrize(
    "command",
    [
        StartProcess(definition_id="p", key="k"),
        StartProcess(definition_id="p", instance_id=ids.instance_id(0, 3, "x")),
        Signal(name="s", key="k"),
        Cancel(instance_id=ids.instance_id(0, 2, "x")),
        DeployDefinition(definition={}),
        Observe(topic="t", key="k", reading={}),
    ],
)
async def test_every_command_goes_to_its_home(working, command):
    async with CommandClient(working.settings) as client:
        partition, _ = await client.send(command)
        assert partition == home_of(command, client.partitions)
