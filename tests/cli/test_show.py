"""``weir show ID --at``: an instance as it was."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import typer

from streams.core.durations import instant_text
from tests.cli.conftest import Plant
from tests.cli.test_plant import APPROVAL, eventually
from weir.cli.show import parse_at
from weir.database import connected

NOBODY = "019ab8f0-0000-8001-8000-000000000000"


@pytest.fixture(scope="module")
def ended(plant: Plant) -> str:
    """An instance that held a signal, waited and completed."""
    folder = plant.home.parent / "show"
    folder.mkdir()
    (folder / "approval.yaml").write_text(APPROVAL.format(version=1, denial="Denied by ${answer.by}"))
    plant.ask("deploy", str(folder))
    instance: str = plant.ask("start", "approval", "--key", "order-1", "--var", "amount=12.5")["instance_id"]
    plant.ask("signal", "aside", "--instance", instance)
    plant.ask("signal", "decided", "--instance", instance, "--payload", '{"approved": true, "by": "Ada"}')
    eventually(lambda: plant.weir("show", instance, "--json").stdout, lambda text: '"completed"' in text)
    return instance


def then(plant: Plant, instance: str, at: object) -> dict[str, Any]:
    found: dict[str, Any] = plant.ask("show", instance, "--at", str(at))
    return found


def test_after_each_event(plant, ended):
    history = plant.ask("history", ended)
    shown = [then(plant, ended, event["seq"]) for event in history]
    assert [one["last_seq"] for one in shown] == [event["seq"] for event in history]
    assert [one["updated_at"] for one in shown] == [event["timestamp"] for event in history]
    (waits,) = [event["seq"] for event in history if event["event_type"] == "message_awaited"]
    assert shown[waits - 2]["waiting"] == {}
    wait = {"kind": "message", "execution": 1, "attempt": 1, "due": None, "name": "decided"}
    assert (shown[waits - 1]["waiting"], shown[waits - 1]["status"]) == ({"wait": wait}, "running")
    assert (shown[waits - 1]["current_activity"], shown[waits - 1]["signals"]) == ("wait", [])
    assert shown[waits]["signals"] == ["aside"]
    assert "answer" not in shown[waits]["variables"]
    now = plant.ask("show", ended)
    of_now = {"node_id": None, "description": None, "next_execution": None}
    assert shown[-1] | of_now == now | {"waiting": {}, "signals": ["aside"]}


def test_at_a_time(plant, ended):
    history = plant.ask("history", ended)
    for event in history:
        last = max(one["seq"] for one in history if one["timestamp"] <= event["timestamp"])
        assert then(plant, ended, event["timestamp"])["last_seq"] == last
    assert then(plant, ended, "2199-01-01")["last_seq"] == len(history)


def test_for_people(plant, ended):
    (waits,) = [event["seq"] for event in plant.ask("history", ended) if event["event_type"] == "message_awaited"]
    text = plant.weir("show", ended, "--at", str(waits + 1)).stdout
    for line in ("waits at wait", "message decided", "signals held", "aside", "running"):
        assert line in text


STANDS = """
id: stands
version: 1
on_failure: incident
trigger: {type: api}
variables: [{name: parts, value: 0}]
activities: [{id: share, type: transform, set: {each: "${1 / parts}"}}]
"""


def test_what_stands_by_an_incident_says_so(plant, tmp_path):
    (tmp_path / "stands.yaml").write_text(STANDS)
    plant.ask("deploy", str(tmp_path))
    instance = plant.ask("start", "stands", "--key", "order-1")["instance_id"]
    text = eventually(lambda: plant.weir("show", instance).stdout, lambda text: "incident" in text)
    assert "running" in text
    (told,) = [line for line in text.splitlines() if "incident at share" in line]
    (incident,) = plant.ask("incidents", "--instance", instance)
    assert incident["error_type"] in told
    assert "incident" in plant.weir("instances", "--definition", "stands").stdout
    plant.ask("cancel", instance)
    assert "incident" not in eventually(lambda: plant.weir("show", instance).stdout, lambda text: "cancelled" in text)
    assert "incident" not in plant.weir("instances", "--definition", "stands").stdout


def test_what_cannot_be_shown(plant, ended):
    first, *_, last = plant.ask("history", ended)
    before = datetime.fromisoformat(first["timestamp"]) - timedelta(milliseconds=1)
    early = plant.ask("show", ended, "--at", before.isoformat(), code=1)["error"]
    assert early["reason"] == "not_started"
    started = round(datetime.fromisoformat(first["timestamp"]).timestamp() * 1000)
    assert f"it started at {instant_text(started)}" in early["message"]
    beyond = plant.ask("show", ended, "--at", str(last["seq"] + 1), code=1)["error"]
    assert (beyond["reason"], f"its last is {last['seq']}, completed" in beyond["message"]) == ("unknown_seq", True)
    assert plant.ask("show", NOBODY, "--at", "1", code=1)["error"]["reason"] == "unknown_instance"
    result = plant.weir("show", ended, "--at", "yesterday", "--json")
    assert result.exit_code == 2
    assert "Expected the seq of an event" in result.output


def test_a_history_that_was_damaged_is_told(plant, ended):
    async def delete(seq: int) -> None:
        async with connected(plant.settings) as connection:
            await connection.execute("delete from process_history where instance_id = $1 and seq = $2", known, seq)

    known = UUID(ended)
    for seq, at, told in ((2, 4, "Expected seq 2"), (1, 1, "Expected a running instance")):
        asyncio.run(delete(seq))
        error = plant.ask("show", ended, "--at", str(at), code=1)["error"]
        assert (error["reason"], told in error["message"]) == ("damaged_history", True)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("7", (7, None)),
        ("2026-11-21T02:00:00.250Z", (None, datetime(2026, 11, 21, 2, 0, 0, 250_000, tzinfo=UTC))),
        ("2026-11-21 02:00:00.250", (None, datetime(2026, 11, 21, 2, 0, 0, 250_000, tzinfo=UTC))),
        ("2026-11-21T04:00:00+02:00", (None, datetime(2026, 11, 21, 2, tzinfo=UTC))),
    ],
)
def test_seqs_and_times(text, read):
    assert parse_at(text) == read


@pytest.mark.parametrize("text", ["0", "-1", "", "1.5", "²", "02:00", "2026-11-21T02:00:60Z"])
def test_what_is_neither(text):
    with pytest.raises(typer.BadParameter, match="Expected the seq of an event"):
        parse_at(text)
