"""The action worker as a process, between the real Kafka and the real MQTT broker."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiokafka import AIOKafkaProducer

from streams.codec import decode_command, encode_event
from streams.core import ids
from streams.core.commands import CompleteActivity, FailActivity
from streams.core.durations import instant, instant_text
from streams.core.events import Event
from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.progress import Progress
from streams.settings import Settings
from streams.topics import Topics
from tests.roles import reading, running, until
from tests.site import make_site

MODULE = "streams.agents.actions"
PARTITIONS = 4


def now_ms() -> int:
    return int(time.time() * 1000)


class Requests:
    """Puts events on ``process-events`` as the processor does."""

    def __init__(self, topics: Topics, producer: AIOKafkaProducer) -> None:
        self.topics, self.producer = topics, producer

    async def send(self, partition: int, value: bytes, ce_type: str, key: str = "k") -> None:
        headers = [("ce_type", ce_type.encode())]
        await self.producer.send_and_wait(self.topics.events.name, value, key.encode(), partition, headers=headers)

    async def request(
        self,
        config: dict[str, Any],
        *,
        partition: int = 0,
        action: str = "mqtt_publish",
        left_ms: int = 60_000,
        secrets: Sequence[dict[str, Any]] = (),
    ) -> str:
        """An ``action_requested``; returns the instance id."""
        instance = ids.instance_id(now_ms(), partition, uuid.uuid4().hex)
        data = {
            "action": action,
            "config": config,
            "execution": 1,
            "attempt": 1,
            "idempotency_key": f"{instance}:cool:1",
            "not_after": instant_text(now_ms() + left_ms),
            "secrets": secrets,
        }
        event = Event(
            1, "action_requested", instance, 5, instant(now_ms()), "cooling", 1, "0:1", activity_id="cool", data=data
        )
        await self.send(partition, encode_event(event), "action_requested", instance)
        return instance


def answers(records: Sequence[Any]) -> dict[str, CompleteActivity | FailActivity]:
    """By instance id; the last one wins."""
    found = {}
    for record in records:
        command = decode_command(record.value)
        assert isinstance(command, CompleteActivity | FailActivity)
        assert record.key == command.instance_id.encode()
        assert record.partition == ids.partition_of(command.instance_id)
        found[command.instance_id] = command
    return found


async def test_requests_are_performed_and_answered_in_their_partition(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIR_NOTIFY_FAILURES", "alert")
    own, topics = await make_site(settings, tmp_path)
    address = MqttAddress.parse(own.mqtt_url)
    control = f"{own.app_id}/control"
    async with (
        AIOKafkaProducer(**client_options(own)) as producer,
        reading(own, topics.commands.name, PARTITIONS) as commands,
        reading(own, topics.dead_letters.name, 1) as dead_letters,
        aiomqtt.Client(address.host, address.port) as plant,
        running(MODULE, own, tmp_path) as worker,
    ):
        await plant.subscribe(control, qos=1)
        await plant.subscribe("weir/notify/alert", qos=1)
        requests = Requests(topics, producer)
        await requests.send(0, b"not even JSON", "variable_changed")
        sent = {
            await requests.request({"topic": control, "payload": {"number": number}}, partition=number % PARTITIONS)
            for number in range(20)
        }
        expired = await requests.request({"topic": control, "payload": "late"}, left_ms=-1)
        unknown = await requests.request({}, action="launch_rocket", partition=1)
        invalid = await requests.request({"topic": "a/#", "payload": 1}, partition=2)
        await requests.send(3, b"not even JSON", "action_requested")
        last = await requests.request({"topic": control, "payload": "last"}, partition=3)
        failed = Event(1, "failed", last, 9, instant(now_ms()), "cooling", 1, "0:1", data={"error": "no water"})
        await requests.send(3, encode_event(failed), "failed", last)

        found = answers(await commands.until(lambda records: len(answers(records)) == 24))
        assert found.keys() == sent | {expired, unknown, invalid, last}
        assert all(isinstance(found[one], CompleteActivity) for one in (*sent, last))
        errors = {one: found[one].error_type for one in (expired, unknown, invalid)}
        assert errors == {expired: "expired", unknown: "unknown_action", invalid: "invalid_config"}

        [letter] = await dead_letters.count(1)
        headers = dict(letter.headers)
        assert (letter.value, headers["weir_role"]) == (b"not even JSON", b"actions")
        assert headers["weir_topic"] == topics.events.name.encode()
        assert b"Not an action_requested event" in headers["weir_reason"]

        payloads, announced = [], ""
        async for message in plant.messages:
            if str(message.topic) == control:
                payloads.append(bytes(message.payload))
            elif last in (text := bytes(message.payload).decode()):  # others of the broker have this topic, too
                announced = text
            if len(payloads) == 21 and announced:
                break
        assert f"Instance {last} of cooling:1 failed: no water" in announced
        assert sorted(payloads) == sorted([b'{"number":%d}' % number for number in range(20)] + [b"last"])
        assert await worker.stop() < 10


async def test_a_killed_worker_loses_no_request_and_a_stopped_one_repeats_none(
    settings: Settings, tmp_path: Path
) -> None:
    own, topics = await make_site(settings.model_copy(update={"session_timeout_s": 6.0}), tmp_path)
    config = {"topic": f"{own.app_id}/control", "payload": 1}
    async with (
        AIOKafkaProducer(**client_options(own)) as producer,
        reading(own, topics.commands.name, PARTITIONS) as commands,
    ):
        requests = Requests(topics, producer)
        async with running(MODULE, own, tmp_path) as worker:
            sent = {await requests.request(config, partition=number % PARTITIONS) for number in range(40)}
            await commands.until(lambda records: len(answers(records)) >= 10)
            await worker.kill()
        sent |= {await requests.request(config, partition=number % PARTITIONS) for number in range(40)}
        async with running(MODULE, own, tmp_path) as worker:
            found = answers(await commands.until(lambda records: answers(records).keys() >= sent))
            assert all(isinstance(one, CompleteActivity) for one in found.values())
            await worker.stop()
        before = len(commands.records)
        async with running(MODULE, own, tmp_path) as worker:
            last = await requests.request(config)
            await commands.until(lambda records: last in answers(records))
            assert len(commands.records) == before + 1
            await worker.stop()


async def test_a_slow_request_holds_the_position_but_nothing_else(settings: Settings, tmp_path: Path) -> None:
    """Without an MQTT broker a request waits; those that need none are answered meanwhile, and again after a kill."""
    own, topics = await make_site(settings, tmp_path)
    lonely = own.model_copy(update={"mqtt_url": "mqtt://127.0.0.1:24997", "session_timeout_s": 6.0})
    config = {"topic": f"{own.app_id}/control", "payload": 1}
    async with (
        AIOKafkaProducer(**client_options(own)) as producer,
        reading(own, topics.commands.name, PARTITIONS) as commands,
    ):
        requests = Requests(topics, producer)
        async with running(MODULE, lonely, tmp_path) as worker:
            slow = await requests.request(config)
            quick = await requests.request({"topic": "#", "payload": 1})
            await commands.until(lambda records: quick in answers(records))
            assert slow not in answers(commands.records)
            await worker.kill()
        async with running(MODULE, own, tmp_path) as worker:
            found = answers(await commands.until(lambda records: slow in answers(records)))
            assert isinstance(found[slow], CompleteActivity)
            await worker.stop()


async def test_an_action_that_the_broker_never_takes_fails_in_time(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    lonely = own.model_copy(update={"mqtt_url": "mqtt://127.0.0.1:24997"})
    async with (
        AIOKafkaProducer(**client_options(own)) as producer,
        reading(own, topics.commands.name, PARTITIONS) as commands,
        running(MODULE, lonely, tmp_path) as worker,
    ):
        await worker.said("started")
        one = await Requests(topics, producer).request({"topic": "a", "payload": 1}, left_ms=5000)
        failure = answers(await commands.count(1))[one]
        assert isinstance(failure, FailActivity)
        assert (failure.error_type, failure.retryable) == ("unavailable", True)


async def test_an_event_of_a_newer_weir_ends_the_worker_loudly(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    async with AIOKafkaProducer(**client_options(own)) as producer, running(MODULE, own, tmp_path) as worker:
        event = Event(2, "action_requested", "subject", 5, instant(now_ms()), "cooling", 1, "0:1", activity_id="cool")
        await Requests(topics, producer).send(0, encode_event(event), "action_requested")
        assert await worker.process.wait() == 70
        assert "has format v2: upgrade this Weir" in worker.output()


async def test_a_missing_position_is_fatal(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    async with AIOKafkaProducer(**client_options(own)) as producer:
        await Requests(topics, producer).request({"topic": "a", "payload": 1})
    other = own.model_copy(update={"app_id": f"{own.app_id}-other"})
    topics_file = tmp_path / "other.yaml"
    topics_file.write_text(own.topics_file.read_text().replace("${app}", own.app_id))
    async with running(MODULE, other.model_copy(update={"topics_file": topics_file}), tmp_path) as worker:
        assert await worker.process.wait() == 70
        assert f"Expected a committed group offset for {topics.events.name}" in worker.output()


def test_the_position_is_the_lowest_unfinished_request() -> None:
    progress = Progress(10)
    assert progress.position == 10
    progress.begin(12)
    progress.begin(15)
    progress.pass_to(20)
    assert progress.position == 12
    progress.finish(15)
    assert progress.position == 12
    progress.begin(21)
    progress.finish(12)
    assert progress.position == 21
    progress.finish(21)
    assert progress.position == 22
    progress.pass_to(30)
    progress.finish(99)
    assert progress.position == 30


@pytest.mark.parametrize("done_first", [True, False])
def test_a_position_never_passes_what_was_not_taken(done_first: bool) -> None:
    progress = Progress(5)
    progress.begin(7)
    if done_first:
        progress.finish(7)
    assert progress.position == (8 if done_first else 7)


async def test_until_fails_with_its_explanation() -> None:
    with pytest.raises(AssertionError, match="why"):
        await until(lambda: False, lambda: "why", deadline_s=0.0)
