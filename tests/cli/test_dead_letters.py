"""`weir dead-letters` on a plant: what is listed, shown, sent again once, dropped, and what exit codes say."""

import asyncio
import uuid
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from streams.codec import encode_command
from streams.core.commands import StartProcess
from streams.core.ids import partition_for
from streams.deadletters import DeadLetter
from streams.kafka import client_options
from tests.cli.conftest import Plant
from tests.cli.test_plant import eventually
from tests.conftest import PARTITIONS
from tests.core.test_instances import APPROVAL

BAD = b'{"type":"signal","name":"go","nme":"x"}'


def _produce(plant: Plant, topic: str, key: bytes, value: bytes, partition: int, headers: Any = ()) -> int:
    async def send() -> int:
        async with AIOKafkaProducer(**client_options(plant.settings)) as producer:
            sent = await producer.send_and_wait(topic, value, key, partition, headers=list(headers))
            return int(sent.offset)

    return asyncio.run(send())


@pytest.fixture
def key() -> str:
    return f"pump-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def letter(plant: Plant, key: str) -> dict[str, Any]:
    """A command that the processor cannot use, as listed."""
    home = partition_for(key, PARTITIONS)
    _produce(plant, plant.topics.commands.name, key.encode(), BAD, home, [("trace", b"7"), ("none", None)])
    return eventually(lambda: _of(plant, key), bool)[0]


def _of(plant: Plant, key: str, *arguments: str) -> list[dict[str, Any]]:
    return [one for one in plant.ask("dead-letters", "list", *arguments) if one["key"] == key]


def test_a_bad_command_is_listed_and_shown(plant: Plant, key: str, letter: dict[str, Any]) -> None:
    home = partition_for(key, PARTITIONS)
    assert letter["source"]["topic"] == plant.topics.commands.name
    assert (letter["source"]["partition"], letter["role"], letter["fate"]) == (home, "processor", None)
    assert "unknown field `nme`" in letter["reason"]
    shown = plant.ask("dead-letters", "show", letter["id"])
    assert (shown["value"], shown["decoded"]) == (BAD.decode(), None)
    assert "unknown field `nme`" in shown["decoding"]
    assert shown["headers"] == [["trace", "7"], ["none", None]]
    assert _of(plant, key, "--role", "processor", "--since", "1h", "--reason", "UNKNOWN field")
    assert not _of(plant, key, "--role", "router")
    assert not _of(plant, key, "--until", "2020-01-01T00:00:00Z")
    for_people = plant.weir("dead-letters", "show", letter["id"]).output
    assert "header trace 7" in for_people
    assert BAD.decode() in for_people
    assert key in plant.weir("dead-letters", "list").output


def test_a_retry_that_fails_again_is_a_letter_of_its_own(plant: Plant, key: str, letter: dict[str, Any]) -> None:
    dry = plant.ask("dead-letters", "retry", letter["id"], "--dry-run")
    assert [one["id"] for one in dry["retried"]] == [letter["id"]]
    done = plant.ask("dead-letters", "retry", letter["id"], "--why", "once more")
    (fate,) = [one["fate"] for one in done["retried"]]
    assert (fate["what"], fate["why"], fate["to"]) == ("retried", "once more", [plant.topics.commands.name])
    (second,) = eventually(lambda: _of(plant, key), bool)
    assert second["retry_of"] == letter["id"]
    assert plant.ask("dead-letters", "show", second["id"])["headers"][-1] == ["weir_retry_of", letter["id"]]
    again = plant.ask("dead-letters", "retry", letter["id"], code=1)
    assert "it was retried by" in again["left"][0]["why"]
    dropped = plant.ask("dead-letters", "drop", second["id"], "--why", "noise", "--by", "operator")
    assert dropped["dropped"][0]["fate"]["by"] == "operator"
    assert _of(plant, key) == []
    assert [one["fate"]["what"] for one in _of(plant, key, "--all")] == ["dropped", "retried"]


def test_a_retried_command_is_decided_once_and_the_log_is_whole(plant: Plant, key: str) -> None:
    """As after an upgrade that mends what made it a dead letter."""
    definition = plant.home / "letters.yaml"
    definition.write_text(APPROVAL.replace("id: approval", "id: letters-test"))
    plant.weir("deploy", str(definition))
    command = StartProcess(definition_id="letters-test", key=key, variables={"amount": 5})
    home = partition_for(key, PARTITIONS)
    offset = 999_999  # where no other letter comes from
    raised, value = "RuntimeError: a bug", encode_command(command)
    letter = DeadLetter(plant.topics.commands.name, home, offset, key.encode(), value, raised, "processor")
    raw = letter.record(1_800_000_000_000)
    _produce(plant, plant.topics.dead_letters.name, key.encode(), raw[1] or b"", 0, raw[2])
    assert plant.ask("dead-letters", "show", _of(plant, key)[0]["id"])["decoded"]["definition_id"] == "letters-test"
    done = plant.ask("dead-letters", "retry", "--reason", "a bug")
    assert len(done["retried"]) == 1
    assert plant.ask("dead-letters", "retry", "--reason", "a bug")["retried"] == []
    instances = eventually(lambda: plant.ask("instances", "--key", key), bool)
    assert [one["definition_id"] for one in instances] == ["letters-test"]
    eventually(lambda: plant.weir("verify").exit_code, lambda code: code == 0)
    assert len(plant.ask("instances", "--key", key)) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("retry",), 2, "Expected letters, a filter, or --all"),
        (("retry", "1", "--all"), 2, "and not both"),
        (("drop", "--all"), 2, "--why"),
        (("show", "seventeen"), 2, "as <partition>:<offset>"),
        (("list", "--since", "soon"), 2, "or an age such as 2h"),
        (("show", "0:999999"), 1, "There is no dead letter 0:999999"),
        (("retry", "0:999999"), 1, "There is no dead letter 0:999999"),
    ],
)
def test_what_is_asked_wrongly_is_told(plant: Plant, arguments: tuple[str, ...], code: int, told: str) -> None:
    result = plant.weir("dead-letters", *arguments)
    assert (result.exit_code, told in result.output) == (code, True), result.output
