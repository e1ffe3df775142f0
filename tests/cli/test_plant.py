"""Commands on a plant that runs: Kafka, TimescaleDB, a processor and a projector."""

import asyncio
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from streams.core.commands import Signal
from tests.cli.conftest import Plant
from weir.client import CommandClient
from weir.stack.process import ServiceStatus

APPROVAL = """
id: approval
name: Approval
version: {version}
reference: "Over ${{amount}} €"
trigger: {{type: api}}
variables:
  - {{name: amount, type: number, required: true}}
activities:
  - {{id: wait, type: message, name: decided, output: answer}}
  - {{id: check, type: decision, condition: answer.approved, true_path: granted, false_path: denied}}
  - {{id: granted, type: service, action: log, config: {{message: "Granted ${{amount}}"}}, next: end}}
  - {{id: denied, type: service, action: log, config: {{message: "{denial}"}}, next: end}}
  - {{id: end, type: end}}
"""
DEADLINE_S = 30.0


@pytest.fixture(scope="module", autouse=True)
def approval(plant: Plant) -> list[dict[str, Any]]:
    """The process of these tests, deployed; returns what the command said."""
    folder = plant.home.parent / "definitions"
    folder.mkdir()
    (folder / "approval.yaml").write_text(APPROVAL.format(version=1, denial="Denied by ${answer.by}"))
    return plant.ask("deploy", str(folder))


@pytest.fixture
def key() -> str:
    """A key that nobody else uses."""
    return f"order-{uuid.uuid4().hex[:8]}"


def eventually(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """What ``ask`` returns once it holds: the projector may be a moment behind."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def start(plant: Plant, key: str, *more: str) -> dict[str, Any]:
    return plant.ask("start", "approval", "--key", key, "--var", "amount=12.5", *more)


def test_deploying(plant, approval, tmp_path):
    (first,) = approval
    assert (first["id"], first["version"], first["outcome"]) == ("approval", 1, "deployed")

    again = plant.ask("deploy", str(plant.home.parent / "definitions"))
    assert [one["outcome"] for one in again] == ["unchanged"]

    (tmp_path / "other.yaml").write_text(APPROVAL.format(version=1, denial="No"))
    (refused,) = plant.ask("deploy", str(tmp_path / "other.yaml"), code=1)
    assert (refused["outcome"], refused["reason"]) == ("refused", "version_exists")
    assert "version 2" in refused["message"]


def test_from_start_to_end(plant, key):
    started = start(plant, key)
    instance = started["instance_id"]
    assert started | {"instance_id": ""} == {
        "instance_id": "",
        "definition_id": "approval",
        "definition_version": 1,
        "key": key,
        "status": "running",
    }
    (listed,) = eventually(lambda: plant.ask("instances", "--key", key, "--reference", "over 12"), bool)
    assert (listed["id"], listed["status"], listed["current_activity"]) == (instance, "running", "wait")

    payload = '{"approved": true, "by": "Ada"}'
    assert plant.ask("signal", "decided", "--instance", instance, "--payload", payload) == {
        "outcome": "delivered",
        "instances": [instance],
        "key": None,
    }
    shown = eventually(lambda: plant.ask("show", instance), lambda found: found["status"] == "completed")
    assert shown["variables"]["answer"] == {"approved": True, "by": "Ada"}
    history = plant.ask("history", instance)
    assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
    assert [event["message"] for event in history if event["message"]] == ["Granted 12.5"]
    assert plant.ask("instances", "--key", key, "--status", "running") == []
    assert plant.ask("instances", "--key", key, "--definition", "other") == []
    assert plant.ask("instances", "--key", key, "--reference", "over 13") == []
    assert len(plant.ask("instances", "--limit", "1")) == 1
    assert all("Over 12.5 €" in text for text in (plant.weir("instances").stdout, plant.weir("show", instance).stdout))

    late = plant.ask("signal", "decided", "--instance", instance, code=1)
    assert late["error"]["reason"] == "not_running"


def test_a_busy_key(plant, key):
    instance = start(plant, key)["instance_id"]
    error = plant.ask("start", "approval", "--key", key, "--var", "amount=1", code=1)["error"]
    assert error["reason"] == "already_running"
    assert instance in error["message"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("start", "nonsense"), "unknown_definition"),
        (("start", "approval", "--version", "9", "--var", "amount=1"), "unknown_definition"),
        (("start", "approval"), "invalid_variables"),
        (("start", "approval", "--var", "amount=1", "--var", "colour=red"), "invalid_variables"),
        (("cancel", "--key", "nobody"), "unknown_instance"),
        (("cancel", "019ab8f0-0000-8001-8000-000000000000"), "unknown_instance"),
        (
            ("start", "approval", "--var", "amount=1", "--id", "019ab8f0-0000-8001-8000-000000000000"),
            "instance_id_time",
        ),
    ],
)
def test_refusals(plant, arguments, reason):
    result = plant.weir(*arguments, "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["reason"] == reason
    assert error["message"] in result.stderr.replace("\n", " ") or error["message"] in result.stderr


def test_waiting_for_the_end(plant, key):
    waiting = plant.ask("signal", "decided", "--key", key, "--payload", '{"approved": false, "by": "Bob"}')
    assert waiting == {"outcome": "waiting", "instances": [], "key": key}
    ended = start(plant, key, "--wait", "completed")
    assert (ended["status"], ended["variables"]["answer"]["by"]) == ("completed", "Bob")


def test_an_instance_that_fails_is_exit_code_1(plant, key):
    plant.ask("signal", "decided", "--key", key, "--payload", '{"by": "Bob"}')
    arguments = ("start", "approval", "--key", key, "--var", "amount=1", "--wait", "completed")
    failed = plant.ask(*arguments, code=1)
    assert failed["status"] == "failed"
    assert "approved" in failed["error"]


def test_no_end_in_time_is_exit_code_4(plant, key):
    arguments = ("start", "approval", "--key", key, "--var", "amount=1", "--wait", "completed", "--timeout", "4")
    error = plant.ask(*arguments, code=4)["error"]
    assert error["reason"] == "timeout"
    assert "history" in error["message"]
    assert eventually(lambda: plant.ask("instances", "--key", key), bool)


def test_cancelling(plant, key):
    instance = start(plant, key)["instance_id"]
    assert plant.ask("cancel", "--key", key, "--reason", "a mistake") == {"cancelled": [instance]}
    shown = eventually(lambda: plant.ask("show", instance), lambda found: found["status"] == "cancelled")
    assert shown["id"] == instance


def test_following_a_history_to_its_end(plant, key):
    instance = start(plant, key)["instance_id"]
    eventually(lambda: plant.ask("instances", "--key", key), bool)
    # Signalled while the command below follows: it ends by itself, or the test's own timeout does.
    later = threading.Timer(1.0, lambda: signalled.append(_signal(plant, key)))
    signalled: list[Any] = []
    later.start()
    result = plant.weir("history", instance, "--follow", "--json")
    later.join()
    assert signalled
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["event_type"] == "completed"


def _signal(plant: Plant, key: str) -> Any:
    async def send() -> tuple[int, int]:
        async with CommandClient(plant.settings) as client:
            return await client.send(Signal(name="decided", key=key, payload={"approved": True, "by": "Eve"}))

    return asyncio.run(send())


def test_tables_for_people(plant, key):
    instance = plant.weir("start", "approval", "--key", key, "--var", "amount=12.5").stdout.split()[0]
    eventually(lambda: plant.ask("instances", "--key", key), bool)
    listed = plant.weir("instances", "--key", key).stdout
    assert instance in listed
    assert "approval v1" in listed
    assert "12.5" in plant.weir("show", instance).stdout
    assert "message_awaited" in plant.weir("history", instance).stdout
    assert plant.weir("instances", "--key", "nobody").stdout == "no such instances\n"


def test_status_tells_roles_and_lags(plant):
    services = {service["name"]: service for service in plant.ask("status")["services"]}
    assert services["processor"]["state"] == "running"
    assert services["processor"]["pid"] != services["projector"]["pid"]
    assert services["kafka"]["state"] == "external"


def test_a_role_that_was_killed_is_dead_until_it_is_started_again(plant, key):
    (pid,) = [service.pid for service in plant.stack.status() if service.name == "processor"]
    _kill(pid)
    eventually(lambda: _processor(plant).state, lambda state: state == "dead")
    assert plant.weir("status").exit_code == 1
    plant.start("processor")
    assert _processor(plant).state == "running"
    assert start(plant, key)["status"] == "running"


def _processor(plant: Plant) -> ServiceStatus:
    return next(service for service in plant.stack.status() if service.name == "processor")


def _kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
