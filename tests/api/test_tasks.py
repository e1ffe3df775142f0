"""User tasks on the real stack, by the gateway and by the command line: from the question to the answer's effects."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from projections import app as projector
from streams.agents import processor
from streams.core.commands import DeployDefinition
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.conftest import PARTITIONS
from tests.roles import running
from weir.cli.main import app
from weir.client import CommandClient
from weir.home import environment
from weir.watch import Accepted

REPAIR = """
id: repair
version: 1
trigger: {type: api}
variables: [{name: room}]
activities:
  - id: visit
    type: user_task
    title: "Repair ${room}"
    candidates: {users: [anna], groups: [night]}
    queue: "floor ${room}"
    priority: 70
    form: {properties: {done: {type: boolean}}, required: [done], additionalProperties: false}
    output: {done: answers.done}
  - {id: sign, type: user_task, approvers: [ann, bob], join: all, output: {decision: outcome}}
"""
PROBLEM = "application/problem+json"


@pytest.fixture
async def plant(site: tuple[Settings, Topics], tmp_path: Path) -> AsyncIterator[Settings]:
    """Processor and projector work, and the process is deployed."""
    settings, _ = site
    async with running(processor.__name__, settings, tmp_path), running(projector.__name__, settings, tmp_path):
        command = DeployDefinition(definition=parse_definition(REPAIR).model_dump(mode="json"))
        async with CommandClient(settings) as client:
            assert isinstance(await client.send_and_wait(command, 60), Accepted)
        yield settings


async def _open(api: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    found = await eventually(lambda: api.get("/tasks", params=query), lambda answer: bool(answer.json()["items"]))
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def test_tasks_by_the_gateway(plant: Settings, api: httpx.AsyncClient) -> None:
    started = await api.post("/processes/repair/start", json={"key": "boiler", "variables": {"room": "12"}})
    instance = started.json()["instance_id"]
    [task] = await _open(api, instance_id=instance)
    assert (task["title"], task["status"], task["queue"], task["priority"]) == ("Repair 12", "created", "floor 12", 70)
    place = f"/tasks/{task['id']}"
    shown = (await api.get(place)).json()
    assert shown["form"]["required"] == ["done"]

    await by_keys_of_their_own(api, task["id"])
    stranger = await api.post(f"{place}/claim?wait=30", json={"user": "eva", "groups": ["day"]})
    assert (stranger.status_code, stranger.headers["content-type"]) == (409, PROBLEM)
    assert "Expected one of the candidates" in stranger.json()["detail"]
    claimed = await api.post(f"{place}/claim?wait=30", json={"user": "eva", "groups": ["night"]})
    assert (claimed.status_code, claimed.json()["events"]) == (200, ["task_claimed"])
    taken = await api.post(f"{place}/complete?wait=30", json={"user": "anna", "answers": {"done": True}})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/claimed_by_other")
    assert taken.json()["detail"] == f"Expected task {task['id']} to be claimed by anna, but it is eva's"

    for step, body in (
        ("update", {"user": "boss", "priority": 90}),
        ("assign", {"user": "boss", "assignee": "anna"}),
        ("delegate", {"user": "anna", "to": "ben"}),
        ("unclaim", {"user": "ben"}),
    ):
        answer = await api.post(f"{place}/{step}?wait=30", json=body)
        assert answer.status_code == 200, answer.text
    misfit = await api.post(f"{place}/complete?wait=30", json={"user": "anna", "answers": {"done": "yes"}})
    assert (misfit.status_code, misfit.json()["type"]) == (422, "/problems/invalid_answers")
    assert 'the answer \'done\': "yes" is not of type "boolean"' in misfit.json()["detail"]
    accepted = await api.post(f"{place}/complete", json={"user": "anna", "answers": {"done": True}})
    assert (accepted.status_code, list(accepted.json())) == (202, ["command_id"])

    done = await eventually(lambda: api.get(place), lambda found: found.json()["status"] == "completed")
    assert (done.json()["completed_by"], done.json()["answers"], done.json()["priority"]) == (
        "anna",
        {"done": True},
        90,
    )
    [sign] = await _open(api, user="bob", instance_id=instance)
    for user in ("ann", "bob"):
        body = {"user": user, "outcome": "approved"}
        assert (await api.post(f"/tasks/{sign['id']}/complete?wait=30", json=body)).status_code == 200
    ended = await eventually(
        lambda: api.get(f"/processes/{instance}"), lambda found: found.json()["status"] == "completed"
    )
    assert ended.json()["variables"] == {"room": "12", "done": True, "decision": "approved"}
    await answers_belong_to_tasks(api, instance)
    pages = [(await api.get("/tasks", params={"status": "all", "limit": 1})).json()]
    following = {"status": "all", "cursor": pages[0]["next_cursor"]}
    pages.append((await api.get("/tasks", params=following)).json())
    assert [[one["id"] for one in page["items"]] for page in pages] == [[sign["id"]], [task["id"]]]
    assert pages[1]["next_cursor"] is None
    late = await api.post(f"{place}/claim?wait=30", json={"user": "anna"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/task_not_open")


async def answers_belong_to_tasks(api: httpx.AsyncClient, instance: str) -> None:
    """In events, whoever does not see all tasks is not told what was answered."""
    made = (await api.post("/api-keys", json={"name": "v", "roles": ["viewer"]})).json()
    viewer = {"Authorization": f"Bearer {made['key']}"}
    partitions = ".".join(f"{number}-0" for number in range(PARTITIONS))
    for headers, of_visit, of_sign in (
        (dict(api.headers), {"done": True}, {"ann": {}, "bob": {}}),
        (viewer, "***", "***"),
    ):
        found = (await api.get(f"/processes/{instance}/history", headers=headers)).json()["items"]
        told = [one["data"]["answers"] for one in found if one["event_type"] == "task_completed"]
        logs = (await api.get(f"/api/processes/executions/{instance}/logs", headers=headers)).json()["logs"]
        told += [one["data"]["answers"] for one in logs if one["event"] == "task_completed"]
        for path, last in ((f"/processes/{instance}/events", "0"), ("/events?type=task_completed", partitions)):
            async with api.stream("GET", path, headers=headers | {"Last-Event-ID": last}) as stream:
                lines = (line async for line in stream.aiter_lines() if '"task_completed"' in line)
                told.append(json.loads((await anext(lines)).removeprefix("data: "))["data"]["answers"])
        assert told == [of_visit, of_sign] * 2 + [of_visit] * 2


async def by_keys_of_their_own(api: httpx.AsyncClient, task: str) -> None:
    """Anna may claim the task, Eva has nothing to do with it; a key that is revoked opens nothing."""

    async def key(user: str) -> tuple[str, dict[str, str]]:
        body = {"name": f"{user}'s phone", "user": user, "scopes": ["tasks:view", "tasks:work"], "groups": ["day"]}
        made = await api.post("/api-keys", json=body)
        assert made.status_code == 201, made.text
        return made.json()["api_key"]["id"], {"Authorization": f"Bearer {made.json()['key']}"}

    place = f"/tasks/{task}"
    (_, anna), (evas, eva) = await key("anna"), await key("eva")
    assert [one["id"] for one in (await api.get("/tasks", headers=anna)).json()["items"]] == [task]
    assert (await api.get(place, headers=anna)).status_code == 200
    assert (await api.post(f"{place}/assign", headers=anna, json={"assignee": "anna"})).status_code == 403
    assert (await api.get("/tasks", headers=eva)).json() == {"items": [], "next_cursor": None}
    assert (await api.get("/tasks?user=anna", headers=eva)).status_code == 403
    assert (await api.get(place, headers=eva)).status_code == 404
    for step, body in (
        ("claim", {}),
        ("unclaim", {}),
        ("delegate", {"to": "ben"}),
        ("complete", {"answers": {"done": True}}),
    ):
        answer = await api.post(f"{place}/{step}", headers=eva, json=body)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown_task"), step
    assert (await api.post(f"{place}/claim", headers=eva, json={"user": "anna"})).status_code == 403
    assert (await api.post(f"{place}/claim?wait=30", headers=anna, json={})).status_code == 200
    assert (await api.post(f"{place}/unclaim?wait=30", headers=anna, json={})).status_code == 200

    revoked = await api.delete(f"/api-keys/{evas}")
    assert (revoked.json()["id"], revoked.json()["revoked_by"]) == (evas, "admin")
    await eventually(lambda: api.get("/tasks", headers=eva), lambda answer: answer.status_code == 401)
    listed = {one["name"]: one for one in (await api.get("/api-keys")).json()}
    assert listed["anna's phone"]["last_used_at"] is not None
    assert listed["eva's phone"]["revoked_at"] is not None
    assert (await api.delete("/api-keys/nobody")).status_code == 404


async def test_what_does_not_fit_is_told(api: httpx.AsyncClient) -> None:
    good = "/tasks/019ab8f0-0000-8001-8000-000000000000:1"
    for path, body, field in (
        ("/tasks/x/claim", {"user": "a"}, "path.id_"),
        ("/tasks/019ab8f0-0000-8001-8000-000000000000/claim", {"user": "a"}, "path.id_"),
        (f"{good}/assign", {"user": "a"}, "body.assignee"),
        (f"{good}/complete", {"user": "a", "answer": {}}, "body.answer"),
        (f"{good}/update", {"user": "a", "priority": 101}, "body.priority"),
    ):
        answer = await api.post(path, json=body)
        assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field]), answer.text
    unknown = await api.get(good)
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown_task")
    assert (await api.get("/tasks?instance_id=7")).status_code == 422


async def test_tasks_by_the_command_line(plant: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(plant).items():
        monkeypatch.setenv(name, value)

    async def weir(*arguments: str, code: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["--home", str(tmp_path / "home"), *arguments])
        assert result.exit_code == code, result.output
        return result.output

    async def listed(*arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(await weir("tasks", *arguments, "--json"))
        return found

    await weir("start", "repair", "--var", "room=7")
    [task] = await eventually(lambda: listed("--mine", "anna"), bool)
    id_ = task["id"]
    assert await listed("--queue", "floor 8") == []
    assert "Repair 7" in await weir("tasks", "--queue", "floor 7")
    assert f"{id_}: claimed by anna" in await weir("tasks", "claim", id_, "--user", "anna")
    refused = await weir("tasks", "claim", id_, "--user", "eva", "--group", "night", code=1)
    assert "to be nobody's, but it is anna's" in refused
    assert "eva does it for anna" in await weir("tasks", "delegate", id_, "--user", "anna", "--to", "eva")
    assert "it is anna's again" in await weir("tasks", "complete", id_, "--user", "eva", "--answer", "done=true")
    assert "nobody has it now" in await weir("tasks", "assign", id_, "--user", "boss")
    assert "it is anna's now" in await weir("tasks", "assign", id_, "--user", "boss", "--to", "anna")
    assert "updated" in await weir("tasks", "update", id_, "--user", "boss", "--due", "2030-01-01")
    assert "nobody has it now" in await weir("tasks", "unclaim", id_, "--user", "anna")
    assert "the answer 'done' is missing" in await weir("tasks", "complete", id_, "--user", "anna", code=1)
    answers = tmp_path / "answers.json"
    answers.write_text('{"done": false}')
    said = json.loads(await weir("tasks", "complete", id_, "--user", "anna", "--json-file", str(answers), "--json"))
    assert said == {"task": id_, "events": ["task_claimed", "task_completed", *said["events"][2:]]}
    shown = await eventually(lambda: weir("tasks", "show", id_), lambda text: "completed" in text)
    assert "2030-01-01 00:00:00" in shown
    assert '"done":false' in shown
    [sign] = await eventually(lambda: listed("--mine", "bob"), bool)
    await weir("tasks", "complete", sign["id"], "--user", "bob", "--outcome", "rejected")
    everything = await eventually(lambda: listed("--status", "all"), lambda found: found[0]["status"] == "completed")
    assert [one["outcome"] for one in everything] == ["rejected", None]
    assert "There is no task" in await weir("tasks", "show", f"{id_}9", code=1)
    assert "Expected a task's id" in await weir("tasks", "claim", "x", "--user", "a", code=2)
    assert json.loads(await weir("verify", "--json"))["differences"] == []
