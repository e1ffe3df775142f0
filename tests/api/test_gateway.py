"""The gateway on the real stack: what it answers 202 is decided; what is wrong is told with field and fix."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from projections import app as projector
from streams.agents import processor
from streams.core.commands import DeployDefinition
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.roles import running
from weir.client import CommandClient
from weir.database import connected
from weir.watch import Accepted

APPROVAL = """
id: approval
name: Approval
version: 1
trigger: {type: api}
variables:
  - {name: amount, type: number, required: true}
activities:
  - {id: wait, type: message, name: decided, output: answer}
  - {id: end, type: end}
"""
START = "/processes/approval/start"
AMOUNT: dict[str, Any] = {"variables": {"amount": 1}}
PROBLEM = "application/problem+json"


async def deploy(settings: Settings, version: int = 1) -> None:
    definition = parse_definition(APPROVAL.replace("version: 1", f"version: {version}"), "approval.yaml")
    async with CommandClient(settings) as client:
        outcome = await client.send_and_wait(DeployDefinition(definition=definition.model_dump(mode="json")), 60)
    assert isinstance(outcome, Accepted)


async def test_from_start_to_end(site: tuple[Settings, Topics], api: httpx.AsyncClient, tmp_path: Path) -> None:
    settings, _ = site
    async with running(processor.__name__, settings, tmp_path), running(projector.__name__, settings, tmp_path):
        await deploy(settings)
        started = await api.post("/processes/approval/start", json={"key": "order-7", "variables": {"amount": 12.5}})
        assert started.status_code == 202, started.text
        place = started.headers["location"]
        instance = started.json()["instance_id"]
        assert place == f"/processes/{instance}"
        assert started.json()["key"] == "order-7"

        (listed,) = (await eventually(lambda: api.get("/definitions"), lambda found: found.json())).json()
        assert (listed["id"], listed["version"], listed["active"], listed["off"]) == ("approval", 1, True, False)
        content = (await api.get("/definitions/approval?version=1")).json()
        assert content["definition"]["activities"][1]["name"] == "decided"
        assert (await api.get("/definitions/approval")).json() == content
        for unknown in ("/definitions/nobody", "/definitions/approval?version=7"):
            answer = await api.get(unknown)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown_definition")

        shown = await api.get(f"{place}?wait_for=60s")  # no 404, however soon
        assert shown.status_code == 200
        shown = await eventually(lambda: api.get(place), lambda found: found.json()["status"] != "accepted")
        assert (shown.json()["status"], shown.json()["variables"]) == ("running", {"amount": 12.5})
        signalled = await api.post(f"{place}/signal", json={"name": "decided", "payload": {"approved": True}})
        assert signalled.status_code == 202
        ended = await eventually(lambda: api.get(place), lambda found: found.json()["status"] == "completed")
        assert ended.json()["variables"]["answer"] == {"approved": True}

        other = await api.post("/processes/approval/start", json={"key": "order-8", "variables": {"amount": 1}})
        by_key = await api.post("/signals?wait=10", json={"name": "decided", "key": "order-8", "payload": {}})
        assert (by_key.status_code, by_key.json()["events"][0]) == (200, "signal_received"), by_key.text
        place = other.headers["location"]
        await eventually(lambda: api.get(place), lambda found: found.json().get("status") == "completed")

        await waiting(api)
        await operating(api, settings)
        await streaming(api)
        await settling(api, settings)
        await audited(api, instance)
        await once(api, settings)
        await in_bulk(api, settings)
        await lists(api, instance, other.json()["instance_id"])
        metrics = (await api.get("/metrics")).text
        assert 'weir_api_requests_total{route="/processes/{definition_id}/start",status="202"}' in metrics
        assert 'weir_api_request_seconds_bucket{le="+Inf",route="/processes/{definition_id}/start"}' in metrics
        page = await eventually(
            lambda: api.get("/metrics"), lambda found: 'weir_stage_lag_records{stage="projector"' in found.text
        )
        assert "weir_retention_margin_seconds" in page.text


async def waiting(api: httpx.AsyncClient) -> None:
    """For the outcome, for the end, in vain, and for what is refused."""
    body = {"key": "order-9", "variables": {"amount": 3}}
    running = await api.post(f"{START}?wait=outcome&timeout=60s", json=body)
    assert (running.status_code, running.json()["status"]) == (200, "running")
    instance = running.json()["id"]
    refused = await api.post(f"{START}?wait=completed&timeout=60s", json=body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already_running")
    assert instance in refused.json()["detail"]
    unfit = await api.post(f"{START}?wait=60", json={"variables": {}})
    assert (unfit.status_code, unfit.json()["type"]) == (422, "/problems/invalid_variables")
    nobody = await api.post("/processes/nobody/start", json={})
    place = nobody.headers["location"]
    told = await eventually(lambda: api.get(f"{place}?wait_for=60s"), lambda answer: answer.status_code == 404)
    assert told.json()["type"] == "/problems/unknown_definition"

    in_vain = await api.get(f"/processes/{instance}?wait=completed&timeout=50ms")
    assert (in_vain.status_code, in_vain.json()["status"]) == (200, "running")
    waits = asyncio.create_task(api.get(f"/processes/{instance}?wait=completed&timeout=60s"))
    both = asyncio.create_task(api.post(f"{START}?wait=completed&timeout=60s", json={"key": "order-10", **AMOUNT}))
    for key in ("order-9", "order-10"):
        await api.post("/signals", json={"name": "decided", "key": key, "payload": {"by": key}})
    for answer, key in ((await waits, "order-9"), (await both, "order-10")):
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
        assert answer.json()["variables"]["answer"] == {"by": key}
    body = {"instance_id": instance, "key": "order-9", **AMOUNT}
    again = await api.post(f"{START}?wait=completed&timeout=60s", json=body)
    assert again.json() == (await waits).json(), "sent twice, it is one start"
    late = await api.post(f"{START}?wait=completed&timeout=50ms", json={"key": "order-11", **AMOUNT})
    assert late.status_code == 202


async def operating(api: httpx.AsyncClient, settings: Settings) -> None:
    """Everything that an operator does to one instance."""
    body = {"key": "order-20", "variables": {"amount": 3}}
    instance = (await api.post(f"{START}?wait=outcome&timeout=60s", json=body)).json()
    place = f"/processes/{instance['id']}"

    async def does(what: str, body: dict[str, Any] | None = None) -> list[str]:
        answer = await api.post(f"{place}/{what}?wait=60", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]

    assert await does("suspend", {"reason": "a look at it"}) == ["suspended"]
    twice = await api.post(f"{place}/suspend?wait=60")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/not_running")
    assert "resumed" in await does("resume", {"timers": "shift"})
    assert await does("variables", {"variables": {"amount": 4}}) == ["variable_changed"]
    assert (await api.post(f"{place}/variables?wait=60", json={"variables": {"amount": "x"}})).status_code == 422
    assert (await api.post(f"{place}/retry?wait=60")).json()["type"] == "/problems/nothing_to_retry"
    published = await api.post("/messages?wait=60", json={"name": "nobody", "correlation_key": "k", "ttl_ms": 0})
    assert (published.status_code, published.json()["type"]) == (409, "/problems/no_receiver")

    await deploy(settings, version=2)
    await eventually(lambda: api.get("/definitions/approval?version=2"), lambda found: found.status_code == 200)
    unknown = await api.post(f"{place}/migrate", json={"version": 7, "dry_run": True})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown_definition")
    changes = {"version": 2, "activities": {"wait": "weit"}, "dry_run": True}
    planned = (await api.post(f"{place}/migrate", json=changes)).json()
    assert planned["verdict"] == "needs_mapping"
    assert "no activity 'weit'" in planned["problems"][0]
    assert (await api.post(f"{place}/migrate", json={"version": 2, "dry_run": True})).json()["verdict"] == "safe"
    assert "migrated" in await does("migrate", {"version": 2})
    assert await does("cancel", {"reason": "enough"}) == ["cancelled"]

    ended = (await api.get(f"{place}?wait=completed&timeout=60s")).json()
    assert (ended["status"], ended["definition_version"], ended["variables"]["amount"]) == ("cancelled", 2, 4)
    first = (await api.get(f"{place}?at=1")).json()
    assert (first["status"], first["definition_version"], first["variables"]) == ("running", 1, {"amount": 3})
    then = (await api.get(place, params={"at": ended["completed_at"]})).json()
    assert (then["status"], then["variables"]) == ("cancelled", ended["variables"])
    before = await api.get(place, params={"at": "2020-01-01T00:00:00Z"})
    assert (before.status_code, before.json()["type"]) == (404, "/problems/not_started")
    for wrong in ("yesterday", "2020-01-01T00:00:00"):
        assert (await api.get(place, params={"at": wrong})).status_code == 422


async def audited(api: httpx.AsyncClient, instance: str) -> None:
    """Who has done what: commands, what only the gateway changes, and what was refused."""
    made = (await api.post("/api-keys", json={"name": "line-2", "roles": ["viewer"]})).json()
    of_key = {"Authorization": f"Bearer {made['key']}"}
    assert (await api.post(f"/processes/{instance}/cancel", headers=of_key)).status_code == 403
    assert (await api.post("/signals", json={}, headers={"Authorization": "Bearer x"})).status_code == 401
    revoked = await api.delete(f"/api-keys/{made['api_key']['id']}", headers={"X-Request-ID": "enough"})
    assert (revoked.status_code, revoked.headers["x-request-id"]) == (200, "enough")

    async def found(count: int, **query: Any) -> list[dict[str, Any]]:
        page = await eventually(
            lambda: api.get("/audit", params=query), lambda found: len(found.json()["items"]) >= count
        )
        return page.json()["items"]

    last, first = await found(2, target=made["api_key"]["id"])
    assert (last["request_id"], last["before"]["revoked_at"], last["after"]["revoked_by"]) == ("enough", None, "admin")
    assert (first["route"], first["status"], first["before"]) == ("/api-keys", 201, None)
    assert first["after"]["name"] == "line-2"
    assert made["key"] not in str([first, last])
    (signal,) = await found(1, target=instance, status=202)
    assert (signal["principal"], signal["request"]["payload"]) == ("admin", {"approved": True})
    history = (await api.get(f"/processes/{instance}/history")).json()["items"]
    assert signal["cause"] in {event["cause"] for event in history}
    (refused,) = await found(1, who="line-2")
    assert (refused["status"], refused["target"], refused["command_id"]) == (403, instance, None)
    (nobody,) = await found(1, status=401, since="2020-01-01T00:00:00Z")
    assert (nobody["principal"], nobody["kind"], nobody["route"]) == (None, "unknown", "/signals")
    whole = await found(10, limit=1000)
    assert {one["method"] for one in whole} == {"POST", "DELETE"}
    page = (await api.get("/audit?limit=2")).json()
    rest = (await api.get("/audit", params={"cursor": page["next_cursor"], "limit": 1000})).json()
    assert [*page["items"], *rest["items"]] == whole
    assert (await api.get("/audit?status=202")).json()["errors"][0]["field"] == "query.status"


async def _crash(settings: Settings, key: str) -> None:
    """As a gateway leaves it that dies between sending and answering, when its time is over."""
    async with connected(settings) as connection:
        done = await connection.execute(
            "UPDATE idempotency_keys SET status = NULL, headers = NULL, answer = NULL, locked_until = now() "
            "WHERE key = $1 AND status IS NOT NULL",
            key,
        )
    assert done == "UPDATE 1"


async def once(api: httpx.AsyncClient, settings: Settings) -> None:
    """Writes with an Idempotency-Key, at the same time, again, and after a crash."""

    async def send(key: str, path: str, body: Any) -> httpx.Response:
        return await api.post(path, json=body, headers={"Idempotency-Key": key})

    body = {"variables": {"amount": 777}}
    both = await asyncio.gather(send("one", START, body), send("one", START, body))
    assert {one.status_code for one in both} <= {202, 409}
    again = await send('"one"', START, body)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    instance = again.json()["instance_id"]
    assert again.headers["location"] == f"/processes/{instance}"
    for one in both:
        assert one.json() == again.json() if one.status_code == 202 else one.json()["type"] == "/problems/under_way"
    other = await send("one", START, AMOUNT)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")
    assert (await send("one", "/signals", body)).status_code == 422
    await _crash(settings, "one")
    assert (await send("one", START, body)).json() == again.json()
    await _crash(settings, "one")
    ended = asyncio.create_task(send("one", f"{START}?wait=completed&timeout=60s", body))
    place, signal = f"/processes/{instance}", {"name": "that nobody takes"}
    assert (await api.get(f"{place}?wait_for=60s")).json()["status"] == "running"
    first = await send("two", f"{place}/signal", signal)
    await _crash(settings, "two")
    assert (await send("two", f"{place}/signal", signal)).json() == first.json()
    await api.post(f"{place}/signal", json={"name": "decided"})
    assert (await ended).json()["status"] == "completed"
    events = (await api.get(f"{place}/history")).json()["items"]
    signals = [event["data"]["name"] for event in events if event["event_type"] == "signal_received"]
    assert signals == [signal["name"], "decided"]
    since = {"started_from": "2020-01-01T00:00:00Z", "variable": "amount=777"}
    assert [one["id"] for one in (await api.get("/processes", params=since)).json()["items"]] == [instance]

    started = (await api.post(f"{START}?wait=60", json={"variables": {"amount": 778}})).json()["id"]
    suspended = await send("three", f"/processes/{started}/suspend?wait=60", {})
    await _crash(settings, "three")
    repeated = await send("three", f"/processes/{started}/suspend?wait=60", {})
    assert repeated.json() == suspended.json() == {**repeated.json(), "events": ["suspended"]}
    refused = await send("four", f"/processes/{started}/suspend?wait=60", {})
    replayed = await send("four", f"/processes/{started}/suspend?wait=60", {})
    assert (refused.status_code, replayed.json()) == (409, refused.json())
    assert replayed.headers["idempotency-replayed"] == "true"
    assert (await send("five", "/signals", {})).status_code == 422
    assert (await send("five", "/signals", {"key": "k", "name": "go"})).status_code == 202, "the key was free"
    made = await send("six", "/api-keys", {"name": "told once"})
    told = await send("six", "/api-keys", {"name": "told once"})
    assert (made.status_code, told.status_code, told.json()["type"]) == (201, 409, "/problems/told_once")
    assert made.json()["key"] not in told.text
    assert (await send("x" * 201, "/signals", {})).json()["errors"][0]["field"] == "header.idempotency-key"


async def in_bulk(api: httpx.AsyncClient, settings: Settings) -> None:
    """Something is done to thirty instances, page by page; again from where a gateway has died."""
    count = 30
    for number in range(count):
        started = await eventually(
            lambda number=number: api.post(START, json={"key": f"bulk-{number}", "variables": {"amount": 500}}),
            lambda answer: answer.status_code == 202,  # while the processor is not too far behind
        )
    wanted: dict[str, Any] = {"variable": ["amount=500"], "started_from": "2020-01-01T00:00:00Z"}
    await eventually(lambda: api.get("/processes", params=wanted), lambda found: found.json()["total"] == count)

    async def bulk(operation: str, status: list[str] | None = None, **parameters: Any) -> dict[str, Any]:
        body = {"operation": operation, "filter": wanted | ({"status": status} if status else {})}
        made = await api.post("/bulk", json=body | {"parameters": parameters})
        assert (made.status_code, made.json()["total"]) == (202, count), made.text
        return await ended(made.headers["location"])

    async def ended(place: str) -> dict[str, Any]:
        found = await eventually(lambda: api.get(place), lambda found: found.json()["status"] != "running")
        return found.json()

    def counts(found: dict[str, Any]) -> tuple[Any, ...]:
        return found["status"], found["sent"], found["done"], found["refused"]

    dry = await api.post("/bulk", json={"operation": "cancel", "filter": wanted, "dry_run": True})
    assert (dry.status_code, dry.json()["total"], len(dry.json()["first"])) == (200, count, 20)
    signalled = await bulk("signal", name="that nobody takes")
    assert counts(signalled) == ("completed", count, count, 0)
    ids = [one["id"] for one in (await api.get("/processes", params=wanted)).json()["items"]]
    async with connected(settings) as connection:
        await connection.execute(
            "UPDATE bulk_operations SET status = 'running', sent = 0, done = 0, last_id = NULL, owner = 'gone', "
            "page = jsonb_build_object('ids', $2::text[], 'at_ms', (extract(epoch FROM created_at) * 1000)::bigint) "
            "WHERE id = $1",
            uuid.UUID(signalled["id"]),
            ids,
        )
    assert counts(await ended(f"/bulk/{signalled['id']}")) == ("completed", count, count, 0)
    async with connected(settings) as connection:
        await connection.execute("UPDATE bulk_operations SET status = 'running', page = '{}', locked_until = now()")
    unreadable = await ended(f"/bulk/{signalled['id']}")
    assert (unreadable["status"], "ids" in unreadable["error"]) == ("failed", True), "the gateway goes on"
    suspended = await bulk("suspend", reason="a look at all of them")
    assert counts(suspended) == ("completed", count, count, 0)
    again = await bulk("suspend", status=["running", "suspended"])
    assert (counts(again), again["reasons"]) == (("completed", count, 0, count), {"not_running": count})
    assert again["refusals"][0]["instance_id"] in ids
    assert counts(await bulk("cancel", reason="enough")) == ("completed", count, count, 0)
    last = started.json()["instance_id"]
    events = (await api.get(f"/processes/{last}/history")).json()["items"]
    told = [event["event_type"] for event in events if event["event_type"] in ("signal_received", "suspended")]
    assert told == ["signal_received", "suspended"], "what was sent before is not sent again"
    assert (await api.post(f"/bulk/{again['id']}/cancel")).json()["type"] == "/problems/not_running"
    assert [one["operation"] for one in (await api.get("/bulk")).json()] == ["cancel", "suspend", "suspend", "signal"]
    for body, field in (
        ({"operation": "cancel", "filter": {}}, "body.filter"),
        ({"operation": "signal", "filter": {"key": "k"}}, "body.parameters.name"),
        ({"operation": "cancel", "filter": {"variable": ["a=1"]}}, "body.filter.started_from"),
        ({"operation": "fold", "filter": {"key": "k"}}, "body.operation"),
    ):
        answer = await api.post("/bulk", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def settling(api: httpx.AsyncClient, settings: Settings) -> None:
    """A dead letter, seen, retried in vain and dropped."""
    assert (await api.get("/incidents")).json() == {"items": [], "next_cursor": None}
    async with CommandClient(settings) as client:
        for _ in range(2):
            await client._running().send_and_wait(client._topics.commands.name, b"{", partition=0)
    listed = await eventually(lambda: api.get("/dead-letters"), lambda found: found.json()["total"] == 2)
    letter = listed.json()["items"][0]["id"]
    whole = (await api.get(f"/dead-letters/{letter}")).json()
    assert (whole["value"], whole["role"], whole["fate"]) == ("{", "processor", None)
    assert (await api.get("/dead-letters?role=router")).json()["items"] == []
    for body in ({}, {"ids": ["x"]}):
        assert (await api.post("/dead-letters/drop", json=body)).status_code == 422
    assert (await api.get("/dead-letters/0:999")).json()["type"] == "/problems/unknown_letter"
    dry = await api.post("/dead-letters/retry", json={"ids": [letter], "dry_run": True})
    assert (dry.status_code, len(dry.json()["settled"]) + len(dry.json()["left"])) == (200, 1)
    dropped = (await api.post("/dead-letters/drop", json={"role": "processor", "why": "noise"})).json()
    assert [one["fate"]["why"] for one in dropped["settled"]] == ["noise", "noise"]
    assert (await api.get("/dead-letters")).json()["total"] == 0
    assert (await api.get("/dead-letters?all=true")).json()["total"] == 2


async def listen(api: httpx.AsyncClient, path: str, last: str | None = None) -> AsyncIterator[tuple[str, str, Any]]:
    """(last id, type, event) as they come; a moved id is one of type ``id``."""
    id_ = ""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with api.stream("GET", path, headers=headers, timeout=60) as stream:
        assert (stream.status_code, stream.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        fields: dict[str, str] = {}
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
                continue
            id_ = fields.get("id", id_)
            if "data" in fields or "id" in fields:
                yield id_, fields.get("event", "id"), json.loads(fields.get("data", "null"))
            fields = {}


async def streaming(api: httpx.AsyncClient) -> None:
    """Events as they happen, of everything and of one instance; and again from where one has stopped."""
    everything = listen(api, "/events?type=started&type=completed&definition=approval")
    began, kind, _ = await anext(everything)
    assert kind == "id"
    started = (await api.post(START, json={"key": "order-30", **AMOUNT})).json()["instance_id"]
    _, kind, event = await anext(everything)
    assert (kind, event["subject"], event["seq"]) == ("started", started, 1)
    own = listen(api, f"/processes/{started}/events")
    assert (await anext(own))[:2] == ("1", "started")
    await api.post("/signals", json={"name": "decided", "key": "order-30"})
    seen = [one async for one in _until(everything, "completed")]
    assert [event["subject"] for _, kind, event in seen if kind != "id"] == [started]
    mine = [one async for one in _until(own, "completed")]
    numbers = [int(id_) for id_, _, _ in mine]
    assert numbers == list(range(2, numbers[-1] + 1))

    again = [one async for one in _until(listen(api, "/events?type=completed", began), "completed")]
    assert [event["subject"] for _, kind, event in again if kind != "id"] == [started], "from the topic"
    rest = [one async for one in _until(listen(api, f"/processes/{started}/events", "2"), "completed")]
    assert [(id_, kind) for id_, kind, _ in rest] == [(id_, kind) for id_, kind, _ in mine[1:]]
    for path, id_ in (("/events", "x"), ("/events", "0-999999999"), (f"/processes/{started}/events", "0-1")):
        answer = await api.get(path, headers={"Last-Event-ID": id_})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "header.last-event-id")


async def _until(stream: AsyncIterator[tuple[str, str, Any]], kind: str) -> AsyncIterator[tuple[str, str, Any]]:
    async for one in stream:
        yield one
        if one[1] == kind:
            break
    await stream.aclose()  # type: ignore[attr-defined]


async def lists(api: httpx.AsyncClient, first: str, second: str) -> None:
    """Two instances that have completed, found in every way."""

    async def found(**query: Any) -> list[str]:
        page = (await api.get("/processes", params=query)).json()
        assert page["total"] >= len(page["items"])
        return [one["id"] for one in page["items"]]

    assert await found(key=["order-7", "order-8"][1]) == [second]
    assert await found(key="order-7") == [first]
    assert [second, first] == (await found(status=["failed", "completed"], definition="approval", version=1))[-2:]
    assert await found(status="timeout") == []
    since = "2020-01-01T00:00:00Z"
    assert await found(variable="amount=12.5", started_from=since, ended_from=since) == [first]
    assert await found(variable=["answer.approved=true"], started_from=since) == [first]

    query: dict[str, Any] = {"started_from": since, "variable": ["answer.by=order-9", "$.amount=3"], "limit": 1}
    assert len((await api.get("/processes", params=query)).json()["items"]) == 1
    query = {"definition": "approval", "status": "completed", "limit": 1}
    pages = [(await api.get("/processes", params=query)).json()]
    while pages[-1]["next_cursor"]:
        pages.append((await api.get("/processes", params={**query, "cursor": pages[-1]["next_cursor"]})).json())
    assert {(page["total"], page["total_is_estimate"]) for page in pages} == {(len(pages), False)}
    assert [page["items"][0]["id"] for page in pages[-2:]] == [second, first]

    place, events = f"/processes/{first}/history", []
    after: int | None = 0
    while after is not None:
        page = (await api.get(place, params={"after": after, "limit": 3})).json()
        events, after = [*events, *page["items"]], page["next_after"]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert events[-1]["event_type"] == "completed"
    only = (await api.get(place, params={"type": ["started", "completed"]})).json()["items"]
    assert [one["event_type"] for one in only] == ["started", "completed"]


async def test_a_start_with_a_time_names_the_same_instance_though_nobody_remembers_it(
    site: tuple[Settings, Topics], api: httpx.AsyncClient
) -> None:
    now = datetime.now(UTC)
    body = {"key": "order-9", "variables": {"amount": 1}, "requested_at": now.isoformat()}

    async def start(token: str | None, **more: Any) -> str:
        headers = {} if token is None else {"Idempotency-Key": token}
        answer = await api.post("/processes/approval/start", json=body | more, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()["instance_id"]

    first = await start("a")
    assert await start("a") == first
    async with connected(site[0]) as connection:
        await connection.execute("DELETE FROM idempotency_keys")
    assert await start("a", requested_at=now.astimezone().isoformat()) == first
    assert len({first, await start("b"), await start(None), await start(None), await start("c", key="order-10")}) == 5
    assert await start(None, instance_id=first) == first


MISFITS: list[tuple[str, dict[str, Any], str]] = [
    (START, {"key": ""}, "body.key"),
    (START, {"key": 7}, "body.key"),
    (START, {"kee": "order-7"}, "body.kee"),
    (START, {"version": 0}, "body.version"),
    (START, {"instance_id": "mine"}, "body.instance_id"),
    (START, {"instance_id": str(uuid.uuid4())}, "body.instance_id"),
    (START, {"requested_at": "2026-01-01T00:00:00"}, "body.requested_at"),
    (START, {"requested_at": "2026-01-01T00:00:00Z"}, "body.requested_at"),
    ("/processes/nobody/signal", {"name": "go"}, "path.instance_id"),
    ("/signals", {"name": "go"}, "body.key"),
    ("/signals", {"key": "k"}, "body.name"),
]
"""Path, body, and the field at fault."""


async def test_what_does_not_fit_is_told_with_field_and_fix(api: httpx.AsyncClient) -> None:
    for path, body, field in MISFITS:  # one gateway for all
        answer = await api.post(path, json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM), body
        problem = answer.json()
        assert (problem["status"], problem["type"]) == (422, "/problems/invalid_request")
        assert [one["field"] for one in problem["errors"]] == [field]
        assert problem["errors"][0]["fix"]
        assert problem["detail"]


UNFIT_QUERIES = [
    ("/processes?status=lost", "query.status.0"),
    ("/processes?limit=0", "query.limit"),
    ("/processes?limt=5", "query.limt"),
    ("/processes?cursor=x", "query.cursor"),
    ("/processes?cursor=WzFd", "query.cursor"),
    ("/processes?variable=pump", "query.variable.0"),
    ("/processes?variable=a=1", "query.started_from"),
    ("/processes?ended_to=2026-01-01T00:00:00Z", "query.started_from"),
    ("/processes?started_from=2026-01-01T00:00:00", "query.started_from"),
    ("/processes?started_from=0001-01-01T00:00:00%2B23:59", "query.started_from"),
    ("/processes/nobody/history", "path.instance_id"),
    ("/processes/019ab8f0-0000-8001-8000-000000000000/history?type=lost", "query.type.0"),
]


async def test_questions_that_do_not_fit(api: httpx.AsyncClient) -> None:
    for path, field in UNFIT_QUERIES:
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM), path
        assert [one["field"] for one in answer.json()["errors"]] == [field], path


async def test_problems_of_other_kinds(api: httpx.AsyncClient) -> None:
    nul = await api.post("/signals", json={"name": "go", "key": "k", "payload": {"text": "\0"}})
    large = await api.post("/signals", json={"name": "go", "key": "k", "payload": {"text": "x" * 300_000}})
    no_json = await api.post("/signals", content=b"{", headers={"content-type": "application/json"})
    unknown = await api.get("/processes/019ab8f0-0000-8001-8000-000000000000")
    foreign = await api.post("/processes/019ab8f0-0000-8fff-8000-000000000000/signal", json={"name": "go"})
    nowhere = await api.get("/nowhere")
    answers = (nul, large, no_json, unknown, foreign, nowhere)
    assert [one.status_code for one in answers] == [422, 413, 422, 404, 422, 404]
    assert no_json.json()["errors"][0]["field"] == "body"
    for one in answers:
        assert one.headers["content-type"] == PROBLEM
        assert {"type", "title", "status", "detail", "fix"} <= one.json().keys()
