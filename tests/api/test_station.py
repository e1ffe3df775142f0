"""The station's routes on the real stack: a process of triggers and actions, from its creation to its executions."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from projections import app as projector
from streams.agents import processor
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.roles import running

FORM: dict[str, Any] = {
    "name": "Door watch!",
    "description": "Writes down who comes in.",
    "triggers": [{"trigger_type": "manual", "trigger_config": {}}],
    "actions": [
        {"action_type": "log", "action_config": {"message": "in: ${trigger.tags.user_id}"}},
        {
            "action_type": "log",
            "action_config": {"message": "late"},
            "conditions": {"field": "fields.hour", "operator": "greater", "value": 20},
        },
    ],
}


@pytest.fixture
async def plant(site: tuple[Settings, Topics], tmp_path: Path) -> AsyncIterator[None]:
    """Processor and projector work."""
    settings, _ = site
    async with running(processor.__name__, settings, tmp_path), running(projector.__name__, settings, tmp_path):
        yield


@pytest.mark.usefixtures("plant")
async def test_processes_of_a_station(api: httpx.AsyncClient, site: tuple[Settings, Topics]) -> None:
    await _processes(api)
    await _executions(api)
    await _analytics(api)
    await _templates(api)
    await _alerts(api)
    await _people(api)
    assert await _events(site[0]) == [
        "alert_created", "alert_created", "alert_acknowledged", "alert_resolved", "user_registered",
        "user_group_changed", "user_registered", "user_group_changed",
    ]  # fmt: skip
    await _audit(api)
    await _refusals(api)


async def _processes(api: httpx.AsyncClient) -> None:
    created = await api.post("/api/processes", json=FORM)
    assert (created.status_code, created.json()) == (201, {"process_id": "door-watch"}), created.text
    assert created.headers["location"] == "/api/processes/door-watch"
    again = await api.post("/api/processes", json=FORM)
    assert again.json() == {"process_id": "door-watch-2"}  # a name may be taken, an id is not

    found = (await api.get("/api/processes/door-watch")).json()
    assert [(one["id"], one["trigger_type"]) for one in found["triggers"]] == [("door-watch/trigger/1", "manual")]
    assert [one["action_type"] for one in found["actions"]] == ["log", "log"]
    assert found["actions"][0]["process_id"] == "door-watch"
    assert (found["is_active"], found["execution_count"], found["version"]) == (True, 0, 1)
    assert found["created_by"] == "admin"

    changed = await api.put("/api/processes/door-watch", json=FORM | {"description": "Other."})
    assert (changed.status_code, changed.json()) == (200, {"message": "updated"})
    found = (await api.get("/api/processes/door-watch")).json()
    assert (found["version"], found["description"]) == (2, "Other.")

    for _ in range(2):
        gone = await api.delete("/api/processes/door-watch-2")
        assert (gone.status_code, gone.json()) == (200, {"message": "deactivated"})
    listed = (await api.get("/api/processes", params={"active_only": True})).json()
    assert ([one["id"] for one in listed["processes"]], listed["total"]) == (["door-watch"], 1)
    listed = (await api.get("/api/processes", params={"limit": 1, "offset": 1})).json()
    assert ([one["id"] for one in listed["processes"]], listed["total"]) == (["door-watch-2"], 2)
    assert (await api.get("/api/processes", params={"offset": 9})).json() == {"processes": [], "total": 2}
    assert (await api.get("/api/processes", params={"created_by": "nobody"})).json()["total"] == 0

    labelled = await api.put("/api/processes/door-watch", json=FORM | {"labels": {"line": "2"}})
    assert labelled.status_code == 200, labelled.text
    more = await api.put("/api/processes/door-watch", json=FORM | {"description": "More."})
    assert more.status_code == 200, more.text  # and keeps its labels
    listed = (await api.get("/api/processes", params={"label": ["line=2", "line"], "status": "active"})).json()
    assert [(one["id"], one["labels"], one["version"]) for one in listed["processes"]] == [
        ("door-watch", {"line": "2"}, 4)
    ]
    assert (await api.get("/api/processes", params={"label": "line=3"})).json()["total"] == 0
    listed = (await api.get("/api/processes", params={"sort": "updated_at", "order": "desc"})).json()
    assert [one["id"] for one in listed["processes"]] == ["door-watch", "door-watch-2"]
    assert (await api.get("/api/processes", params={"sort": "color"})).status_code == 422
    manual = {"trigger_type": "manual", "priority": 5}
    for path in ("/api/processes", "/api/processes/validate"):
        refused = await api.post(path, json=FORM | {"triggers": [manual]})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "body.triggers[0].priority")
    assert (await api.post("/api/processes/validate", json=FORM)).json() == {"message": "valid"}
    unheard = {"trigger_type": "redpanda", "trigger_config": {"topic": "nowhere"}}
    refused = await api.post("/api/processes/validate", json=FORM | {"triggers": [unheard]})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/undeclared_topic")


async def _executions(api: httpx.AsyncClient) -> None:
    data = {"tags": {"user_id": "ann"}, "fields": {"hour": 9}}
    begun = await api.post("/api/processes/door-watch/execute", json={"trigger_data": data})
    assert begun.status_code == 201, begun.text
    path = begun.headers["location"]
    execution_id = begun.json()["execution_id"]
    found = (await eventually(lambda: api.get(path), lambda answer: answer.status_code == 200)).json()
    assert (found["id"], found["process_id"], found["status"]) == (execution_id, "door-watch", "completed")
    assert (found["triggered_by"], found["trigger_event"]["fields"]) == ("admin", {"hour": 9})
    assert [(one["action_id"], one["status"]) for one in found["steps"]] == [
        ("action_1", "completed"), ("action_2", "skipped"),
    ]  # fmt: skip
    assert (found["steps_completed"], found["total_steps"]) == (1, 2)
    process = (await api.get("/api/processes/door-watch")).json()
    assert [one["id"] for one in process["actions"]] == [one["action_id"] for one in found["steps"]]
    lines = (await api.get(f"{path}/logs")).json()["logs"]
    assert "in: ann" in [one["message"] for one in lines]
    page = (await api.get(f"{path}/logs", params={"limit": 2})).json()
    assert (len(page["logs"]), page["next_after"]) == (2, 2)
    assert (await api.get(f"{path}/logs", params={"after": 2})).json()["logs"][0] == lines[2]
    found_lines = (await api.get(f"{path}/logs", params={"q": "IN: ann"})).json()["logs"]
    assert [one["seq"] for one in found_lines] == [one["seq"] for one in lines if "in: ann" in str(one)]
    assert (await api.get(f"{path}/logs", params={"level": "warning"})).json()["logs"] == []
    searched = "/api/processes/executions/logs"
    query = {"q": "in: ANN", "process_id": "door-watch", "limit": 1}
    everywhere = (await api.get(searched, params=query)).json()
    assert everywhere["logs"] == [found_lines[-1] | {"execution_id": execution_id, "process_id": "door-watch"}]
    assert (everywhere["next_cursor"] is None) is (len(found_lines) == 1)
    pages, cursor = [], {}
    while True:
        page = (await api.get(searched, params={"limit": 3, "process_id": "door-watch", **cursor})).json()
        pages += page["logs"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [one["seq"] for one in pages] == [one["seq"] for one in reversed(lines)]
    for nothing in ({"q": "unsaid"}, {"process_id": "none"}, {"level": "error"}, {"until": "2020-01-01T00:00:00Z"}):
        assert (await api.get(searched, params=nothing)).json() == {"logs": [], "next_cursor": None}, nothing
    for wrong in ({"q": ""}, {"since": "2020-01-01T00:00:00Z"}, {"level": "loud"}, {"cursor": "x"}):
        assert (await api.get(searched, params=wrong)).status_code == 422, wrong

    query = {"process_id": "door-watch", "status": "completed"}
    listed = (await api.get("/api/processes/executions", params=query)).json()
    assert ([one["id"] for one in listed["executions"]], listed["total"]) == ([execution_id], 1)
    assert (await api.get("/api/processes/executions", params={"status": "failed"})).json()["total"] == 0
    process = (await api.get("/api/processes/door-watch")).json()
    assert (process["execution_count"], process["success_rate"]) == (1, 1.0)
    assert process["avg_execution_time"] == found["execution_time_ms"]


async def _analytics(api: httpx.AsyncClient) -> None:
    found = (await api.get("/api/processes/door-watch/analytics", params={"sla": "1h"})).json()
    assert (found["execution_count"], found["completed"], found["success_rate"]) == (1, 1, 1.0)
    assert (found["within_sla"], found["failure_reasons"]) == (1.0, [])
    assert abs(found["p50_ms"] - found["avg_execution_time"]) <= 0.05 * found["avg_execution_time"]
    assert [(one["started"], one["completed"]) for one in found["trends"]] == [(1, 1)]
    overview = (await api.get("/api/processes/analytics/overview", params={"interval": "day", "sla": "1ms"})).json()
    assert (overview["total_processes"], overview["active_processes"], overview["total_executions"]) == (2, 1, 1)
    assert overview["within_sla"] in (0.0, 1.0)
    whole = (await api.get("/statistics/workflows")).json()
    assert (whole["total_workflows"], whole["running_workflows"], whole["open_incidents"]) == (1, 0, 0)
    assert "process_history" in {one["name"] for one in (await api.get("/statistics/storage")).json()["tables"]}
    slow = (await api.get("/statistics/queries", params={"limit": 200})).json()["slow_queries"]
    assert any("process_rollups" in one["query"] for one in slow)
    for wrong in ({"sla": "soon"}, {"since": "1999-01-01T00:00:00Z"}, {"interval": "year"}):
        assert (await api.get("/api/processes/analytics/overview", params=wrong)).status_code == 422, wrong
    assert (await api.get("/api/processes/none/analytics")).status_code == 404
    for path in ("/api/processes/analytics/triggers", "/api/processes/door-watch/analytics/triggers"):
        told = (await api.get(path, params={"interval": "day"})).json()
        assert [(one["trigger_type"], one["count"]) for one in told["triggers"]] == [("manual", 1)]
        assert (told["total"], [one["count"] for one in told["trends"]]) == (1, [1])
    none = (await api.get("/api/processes/door-watch-2/analytics/triggers")).json()
    assert none == {"total": 0, "triggers": [], "trends": []}
    assert (await api.get("/api/processes/none/analytics/triggers")).status_code == 404


async def _templates(api: httpx.AsyncClient) -> None:
    base = "/api/processes/templates"
    listed = (await api.get(base)).json()["templates"]
    assert {one["id"] for one in listed} >= {"approval", "threshold-alarm", "watchdog"}
    assert {(one["source"], one["usage_count"]) for one in listed} == {("file", 0)}
    body = {"process_id": "door-watch", "name": "Doors", "category": "monitoring"}
    created = await api.post(base, json=body)
    assert (created.status_code, created.json()) == (201, {"template_id": "doors"}), created.text
    assert (await api.post(base, json=body)).json() == {"template_id": "doors-2"}
    shown = (await api.get(created.headers["location"])).json()
    assert (shown["name"], shown["source"], shown["created_by"]) == ("Doors", "saved", "admin")
    assert shown["template_data"]["definition"]["id"] == "{{ id }}"
    for wanted in ({"name": "Back door"}, {"id": "gate"}, {"name": "Back door"}):
        made = await api.post(f"{base}/doors/instantiate", json={"customizations": wanted})
        assert made.status_code == 201, made.text
    assert made.json() == {"process_id": "back-door-2"}
    found = (await api.get("/api/processes/back-door")).json()
    assert (found["name"], found["template_id"], found["version"]) == ("Back door", "doors", 1)
    assert [one["action_type"] for one in found["actions"]] == ["log", "log"]
    of_template = (await api.get("/api/processes", params={"template_id": "doors"})).json()
    assert [one["id"] for one in of_template["processes"]] == ["back-door", "back-door-2", "gate"]
    listed = (await api.get(base, params={"category": "monitoring"})).json()["templates"]
    assert [(one["id"], one["usage_count"]) for one in listed if one["source"] == "saved"] == [
        ("doors", 3), ("doors-2", 0),
    ]  # fmt: skip
    alarm = {"id": "hot", "field": "t", "on": "much", "off": 60}
    wrong = await api.post(f"{base}/threshold-alarm/instantiate", json={"customizations": alarm})
    assert (wrong.status_code, "on: Expected a value of type number" in wrong.json()["detail"]) == (422, True)
    taken = await api.post(f"{base}/doors/instantiate", json={"customizations": {"id": "gate"}})
    assert taken.status_code == 409

    text = (await api.get(f"{base}/doors", params={"format": "yaml"})).text
    other = text.replace("id: doors", "id: entrances", 1)
    for status, sent in (
        (409, {"text": text}),
        (201, {"text": text, "replace": True, "is_public": False}),
        (201, {"text": other}),
        (422, {"text": other.replace("entrances", "third").replace("action_1", "")}),
        (422, {"text": "kind: template\nid: x"}),
        (409, {"text": (await api.get(f"{base}/watchdog", params={"format": "yaml"})).text, "replace": True}),
    ):
        answer = await api.post(f"{base}/import", json=sent)
        assert answer.status_code == status, answer.text
    viewer = await api.post("/api-keys", json={"name": "v", "roles": ["viewer"]})
    theirs = {"Authorization": f"Bearer {viewer.json()['key']}"}
    assert (await api.get(f"{base}/entrances", headers=theirs)).status_code == 200
    assert (await api.get(f"{base}/doors", headers=theirs)).status_code == 404
    assert "doors" not in {one["id"] for one in (await api.get(base, headers=theirs)).json()["templates"]}
    assert (await api.delete(f"{base}/watchdog")).status_code == 409
    for status in (200, 404):
        assert (await api.delete(f"{base}/doors")).status_code == status
    assert (await api.get("/api/processes/gate")).status_code == 200
    reserved = await api.post("/api/processes", json=FORM | {"name": "Templates"})
    assert reserved.json() == {"process_id": "templates-2"}
    for process in ("back-door", "back-door-2", "gate", "templates-2"):
        assert (await api.delete(f"/api/processes/{process}")).status_code == 200


async def _alerts(api: httpx.AsyncClient) -> None:
    body = {"title": "Boiler 2 is too hot", "alert_key": "boiler-2", "severity": "error", "data": {"t": 81.5}}
    raised = await api.post("/api/alerts", json=body)
    assert raised.status_code == 201, raised.text
    path, alert = raised.headers["location"], raised.json()
    assert (alert["status"], alert["key"], alert["created_by"], alert["data"]) == (
        "open", "boiler-2", "admin", {"t": 81.5},
    )  # fmt: skip
    again = await api.post("/api/alerts", json=body)
    assert (again.status_code, again.json()["id"]) == (200, alert["id"])
    other = (await api.post("/api/alerts", json={"title": "Door open"})).json()
    pages = [await api.get("/api/alerts", params={"limit": 1})]
    pages.append(await api.get("/api/alerts", params={"limit": 1, "cursor": pages[0].json()["next_cursor"]}))
    assert [[one["id"] for one in page.json()["alerts"]] for page in pages] == [[other["id"]], [alert["id"]]]
    assert pages[1].json()["next_cursor"] is None
    for _ in range(2):
        seen = (await api.post(f"{path}/acknowledge", json={"note": "I look"})).json()
        assert (seen["status"], seen["acknowledged_by"], seen["note"]) == ("acknowledged", "admin", "I look")
    assert (await api.post(f"{path}/resolve", json={})).json()["status"] == "resolved"
    assert (await api.get(path)).json()["resolved_by"] == "admin"
    listed = (await api.get("/api/alerts", params={"status": "open"})).json()["alerts"]
    assert [one["id"] for one in listed] == [other["id"]]
    assert (await api.post("/api/alerts/none/resolve", json={})).status_code == 404
    assert (await api.get("/api/alerts/none")).status_code == 404
    assert (await api.post("/api/alerts", json={"title": "x", "severity": "loud"})).status_code == 422


async def _events(settings: Settings) -> list[str]:
    """What waits for the relay, in order."""
    connection = await asyncpg.connect(settings.database_url.reveal())
    try:
        rows = await connection.fetch("SELECT value FROM station_outbox ORDER BY id")
    finally:
        await connection.close()
    return [orjson.loads(row["value"])["tags"]["event"] for row in rows]


async def _people(api: httpx.AsyncClient) -> None:
    for name, groups in (("ann", ("night",)), ("ben", ())):
        assert (await api.put(f"/api/users/{name}", json={"name": name.title()})).json() == {"message": "updated"}
        for group in groups:
            assert (await api.put(f"/api/groups/{group}", json={"name": "Night shift"})).status_code == 200
            for message in ("updated", "unchanged"):
                joined = await api.put(f"/api/groups/{group}/members/{name}")
                assert joined.json() == {"message": message}, joined.text
    people = (await api.get("/api/users", params={"limit": 1})).json()
    assert ([one["id"] for one in people["users"]], type(people["next_cursor"])) == (["ann"], str)
    people = (await api.get("/api/users", params={"cursor": people["next_cursor"]})).json()
    assert ([one["id"] for one in people["users"]], people["next_cursor"]) == (["ben"], None)
    [group] = (await api.get("/api/groups")).json()["groups"]
    assert (group["id"], group["members"]) == ("night", ["ann"])
    assert [one["id"] for one in (await api.get("/api/users", params={"group": "night"})).json()["users"]] == ["ann"]
    assert (await api.delete("/api/groups/night/members/ann")).json() == {"message": "updated"}
    assert (await api.put("/api/groups/none/members/ann")).status_code == 404
    place = {"name": "Front door", "lat": 48.2, "lon": 16.37, "radius_m": 25}
    assert (await api.put("/api/zones/door", json=place)).json() == {"message": "created"}
    assert (await api.put("/api/zones/door", json={"active": False})).json() == {"message": "updated"}
    [zone] = (await api.get("/api/zones")).json()["zones"]
    assert (zone["name"], zone["radius_m"], zone["active"], zone["users"]) == ("Front door", 25.0, False, [])
    assert (await api.put("/api/zones/door", json={"radius_m": -1})).status_code == 422
    assert (await api.put("/api/zones/other", json={"name": "Nowhere"})).status_code == 404
    for metadata in ({"n": 2**70}, {"t": "\0"}):
        assert (await api.put("/api/groups/night", json={"name": "x", "metadata": metadata})).status_code == 422
    bot = {"name": "Helper", "triggers": [{"name": "help", "word": "help", "response": "Ask me"}]}
    assert (await api.put("/api/bots/helper", json=bot)).json() == {"message": "updated"}
    [found] = (await api.get("/api/bots")).json()["bots"]
    assert (found["id"], found["triggers"], found["enabled"]) == ("helper", bot["triggers"], True)


async def _audit(api: httpx.AsyncClient) -> None:
    """Each write once, with the row before and after."""

    async def ask() -> Any:
        return (await api.get("/audit", params={"target": "helper"})).json()["items"]

    [bot] = await eventually(ask, bool)
    assert (bot["before"], bot["after"]["name"], bot["status"]) == (None, "Helper", 200)
    refused, new, old = (await api.get("/audit", params={"target": "door"})).json()["items"]
    assert (refused["status"], refused["after"]) == (422, None)
    assert (old["before"], old["after"], new["after"]["active"]) == (None, new["before"], False)
    alerts = (await api.get("/audit", params={"since": "2020-01-01T00:00:00Z", "route": "/api/alerts"})).json()["items"]
    assert [one["status"] for one in alerts] == [422, 201, 200, 201]
    assert alerts[1]["after"]["title"] == "Door open"


async def _refusals(api: httpx.AsyncClient) -> None:
    wrong = await api.post("/api/processes", json=FORM | {"actions": [{"action_type": "lag"}]})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert wrong.json()["errors"][0]["field"] == "body.actions[0].action_type"
    taken = await api.post("/api/processes", json=FORM | {"id": "door-watch"})
    assert (taken.status_code, taken.json()["type"].rpartition("/")[2]) == (409, "already_exists")
    off = await api.post("/api/processes/door-watch-2/execute", json={})
    assert (off.status_code, "deactivated" in off.json()["detail"]) == (409, True)
    assert (await api.post("/api/processes/door-watch-2/activate")).json() == {"message": "activated"}
    assert (await api.post("/api/processes/door-watch-2/execute", json={})).status_code == 201
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/execute"), ("DELETE", "")):
        body = FORM if method == "PUT" else {}
        answer = await api.request(method, f"/api/processes/none{path}", json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    unknown = "019c8f2a-7d40-8003-9c1e-5a0b7d2e4f61"
    assert (await api.get(f"/api/processes/executions/{unknown}")).status_code == 404
    assert (await api.get(f"/api/processes/executions/{unknown}/logs")).status_code == 404
    assert (await api.get("/api/processes/executions/seven")).status_code == 422
