"""A record of every write before it is answered, without secrets; and what happens where it cannot be had."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from streams.audit import AuditRecord, decode_audit
from streams.core.commands import Cancel, ClaimTask, Signal
from tests.api.inside import inside, settings_of
from tests.site import migrated
from weir.api.audit.entry import CURRENT, Entry
from weir.api.audit.middleware import Audit
from weir.api.audit.redacting import MAX_BYTES, kept
from weir.api.auth.principal import ANYBODY, Principal
from weir.api.auth.security import FOUND
from weir.api.limits import BODY
from weir.api.problems import ProblemError, unavailable

INSTANCE = "019ab8f0-0000-8001-8000-000000000000"
ADMIN_KEY = "the key of an administrator, which is long"
ADA = Principal(id="ada", name="Ada", kind="user")


class Topic:
    """Takes records, as the gateway's connection does."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.away = False

    async def record(self, entry: Entry, status: int, timeout_s: float) -> None:
        assert timeout_s > 0
        if self.away:
            raise unavailable("kafka_unreachable", "No connection to Kafka", "Try again.", 1)
        self.records.append(decode_audit(entry.encoded(status)))
        entry.recorded = status


class Asked:
    """A gateway with one answer; ``does`` happens before it."""

    def __init__(self, status: int = 202, who: Principal | ProblemError = ADA, body: Any = None) -> None:
        self.topic, self.status, self.who, self.body = Topic(), status, who, body
        self.now, self.does = 0.0, lambda: None
        self._audit = Audit(self._application, self.topic, clock=lambda: self.now)  # type: ignore[arg-type]

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.does()
        scope["path_params"] = {"instance_id": INSTANCE}
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        assert len(self.topic.records) or self.topic.away or self.status >= 400 or scope["method"] == "GET"
        await send({"type": "http.response.body", "body": b'"done"', "more_body": False})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[FOUND] = self.who
        if self.body is not None:
            scope[BODY] = json.dumps(self.body).encode()
        await self._audit(scope, receive, send)

    async def ask(self, method: str = "POST", path: str = "/x", **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=self, client=("10.0.0.9", 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://weir") as client:
            return await client.request(method, path, headers=headers)


async def test_a_write_is_recorded_with_the_command_that_it_led_to() -> None:
    asked = Asked(body={"reason": "ordered twice"})

    def cancelled() -> None:
        entry = CURRENT.get()
        assert entry is not None
        entry.sending(Cancel(id="c-1", instance_id=INSTANCE))
        entry.sent(3, 1205)

    asked.does = cancelled
    answer = await asked.ask(**{"X-Request-ID": "r-7"})
    assert (answer.json(), answer.headers["x-request-id"]) == ("done", "r-7")
    [record] = asked.topic.records
    assert (record.principal, record.kind, record.address, record.status) == ("ada", "user", "10.0.0.9", 202)
    assert (record.target, record.request_id, record.method) == (INSTANCE, "r-7", "POST")
    assert (record.command_id, record.cause, record.instance_id) == ("c-1", "3:1205", INSTANCE)
    assert (record.request, record.before) == ({"reason": "ordered twice"}, None)
    assert CURRENT.get() is None


async def test_of_a_command_that_is_not_acknowledged_the_place_is_not_known() -> None:
    asked = Asked(status=503)
    for command, instance in (
        (ClaimTask(id="c", task_id=f"{INSTANCE}:1", user="ada"), INSTANCE),
        (Signal(id="c", name="go", key="k"), None),
    ):
        asked.does = lambda command=command: CURRENT.get().sending(command)  # type: ignore[misc, union-attr]
        await asked.ask()
        record = asked.topic.records[-1]
        assert (record.command_id, record.cause, record.instance_id) == ("c", None, instance)


async def test_refused_writes_are_recorded_and_reads_are_not() -> None:
    asked = Asked(status=401, who=ProblemError(401, "unauthorized", "who?", "say so"))
    await asked.ask(path="/a%00b")
    await asked.ask("GET")
    await asked.ask("HEAD")
    assert [(one.principal, one.kind, one.status) for one in asked.topic.records] == [(None, "unknown", 401)]


async def test_what_is_done_but_cannot_be_recorded_is_not_answered_as_done() -> None:
    asked = Asked()
    asked.topic.away = True
    answer = await asked.ask()
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not_recorded")
    assert "may have been done" in answer.json()["detail"]
    asked.status = 409
    assert (await asked.ask()).status_code == 409, "nothing was done"


async def test_an_error_of_ours_is_recorded_too() -> None:
    def broken() -> None:
        raise RuntimeError("a mistake of ours")

    asked = Asked(who=ANYBODY)
    asked.does = broken
    with pytest.raises(RuntimeError, match="a mistake"):
        await asked.ask()
    assert [(one.status, one.target) for one in asked.topic.records] == [(500, "/x")]


async def test_a_row_is_kept_as_a_body_is() -> None:
    asked = Asked()

    def changed() -> None:
        entry = CURRENT.get()
        assert entry is not None
        entry.target, entry.before, entry.after = "t", {"text": "a" * 900}, list(range(MAX_BYTES))

    asked.does = changed
    await asked.ask()
    [record] = asked.topic.records
    assert (record.target, record.before) == ("t", {"text": "a" * 500 + "… (900 characters)"})
    assert record.after == {"omitted_bytes": len(json.dumps(list(range(MAX_BYTES)), separators=(",", ":")))}


async def test_a_flood_of_refusals_is_recorded_once_a_second() -> None:
    asked = Asked(status=429)
    for asked.now in (0.0, 0.1, 0.9, 1.0, 1.5):
        await asked.ask()
    assert len(asked.topic.records) == 2
    asked.who = ANYBODY
    await asked.ask()
    assert len(asked.topic.records) == 3


async def test_what_only_the_gateway_changes_is_not_changed_without_a_record(
    fresh_database: Callable[..., str],
) -> None:
    url = fresh_database(migrated)
    async with inside(settings_of(api_admin_key=ADMIN_KEY, database_url=url)) as api:
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        made = await api.post("/api-keys", json={"name": "line-2"}, headers=headers)
        assert (made.status_code, made.json()["type"]) == (503, "/problems/kafka_unreachable")
        assert (await api.get("/api-keys", headers=headers)).json() == []
        filtered = {"operation": "cancel", "filter": {"key": "k"}}
        assert (await api.post("/bulk", json=filtered, headers=headers)).status_code == 503
        assert (await api.get("/bulk", headers=headers)).json() == []


def test_what_is_kept_of_a_body() -> None:
    key = "weir_0123456789ab_" + "x" * 43
    body = {
        "variables": {"Password": "p", "apiKey": 7, "n": [1.5, None, True], "deep": [{"auth_token": ["t"]}]},
        "note": f"use {key} and eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0aa. please\0",
        "long": "a" * 900,
        "authorization": "Bearer x",
    }
    found = json.loads(bytes(kept(json.dumps(body).encode()) or b""))
    hidden = "***"
    assert found["variables"] == {
        "Password": hidden,
        "apiKey": hidden,
        "n": [1.5, None, True],
        "deep": [{"auth_token": hidden}],
    }
    assert found["note"] == f"use {hidden} and {hidden} please\N{REPLACEMENT CHARACTER}"
    assert found["long"] == "a" * 500 + "… (900 characters)"
    assert found["authorization"] == hidden


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 5000, b'{"a": 1e999}', b'"\\ud800"'])
def test_of_what_is_no_json_only_the_length_is_kept(body: bytes) -> None:
    assert json.loads(bytes(kept(body) or b"")) == {"unreadable_bytes": len(body)}


def test_of_a_long_body_only_the_length_is_kept() -> None:
    long = json.dumps(list(range(MAX_BYTES))).encode()
    assert json.loads(bytes(kept(long) or b"")) == {"omitted_bytes": len(long)}
    assert kept(b"") is None is kept(None)
    nested = b"[" * 60 + b"]" * 60
    assert "…" in bytes(kept(nested) or b"").decode()
