"""All roles for real, and what a real OTLP receiver gets of one request and of one reading, over a wait."""

from pathlib import Path

import httpx
import msgspec
import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from streams.core.commands import DeployDefinition
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.settings import Settings
from streams.tracing.context import Context
from tests.answers import eventually
from tests.roles import running
from tests.site import make_site, telemetry_topic
from tests.tracing.collector import Collector, Got, serving
from weir.client import CommandClient
from weir.stack.ports import free_port_numbers
from weir.watch import Accepted

ADMIN_KEY = "the tests' own key of an administrator"
CALLER = Context(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0xF067AA0BA902B7, sampled=True)
TEXT = """
id: traced
triggers:
  - {type: api, mode: parallel}
  - {type: redpanda, topic: TOPIC, condition: fields.t > 90, mode: parallel}
variables: [{name: t, source: fields.t, live: false}]
activities:
  - {id: call, type: service, action: http_request, config: {method: POST, url: "URL/service", body: {t: "${t}"}}}
  - {id: nap, type: timer, duration: 1s}
  - {id: call_again, type: service, action: http_request, config: {method: POST, url: "URL/service"}}
"""
ROLES = ("streams.agents.processor", "streams.agents.actions", "streams.agents.router", "projections.app")


async def test_from_the_request_and_the_reading_to_the_rows(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector, called = Collector(), list[str | None]()

    async def service(request: web.Request) -> web.Response:
        called.append(request.headers.get("traceparent"))
        return web.json_response({})

    (port,) = free_port_numbers(1, 20000, 20999)
    async with serving(v1__traces=collector.take, service=service) as url:
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        monkeypatch.setenv("WEIR_HTTP_ALLOW", "127.0.0.1")
        wanted = {"traces_endpoint": url, "api_port": port, "api_admin_key": SecretStr(ADMIN_KEY)}
        own, topics = await make_site(settings.model_copy(update=wanted), tmp_path)
        topic = telemetry_topic(own)
        definition = parse_definition(TEXT.replace("TOPIC", topic).replace("URL", url)).model_dump(mode="json")
        async with (
            running(ROLES[0], own, tmp_path) as processor,
            running(ROLES[1], own, tmp_path) as actions,
            running(ROLES[2], own, tmp_path) as router,
            running(ROLES[3], own, tmp_path) as projector,
            running("weir.api.run", own, tmp_path) as gateway,
            CommandClient(own, topics) as client,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as api,
        ):
            for role in (processor, actions, router, projector):
                await role.works()
            await eventually(lambda: api.get("/health"), lambda found: found.status_code == 200)
            assert isinstance(await client.send_and_wait(DeployDefinition(definition=definition), 60), Accepted)
            headers = {"Authorization": f"Bearer {ADMIN_KEY}", "traceparent": CALLER.encoded().decode()}
            answer = await api.post("/processes/traced/start", json={"variables": {"t": 1}}, headers=headers)
            assert answer.status_code == 202, answer.text
            await eventually(
                lambda: api.get(answer.headers["location"], headers=headers),
                lambda found: found.json()["status"] == "completed",
            )
            await collector.until(
                lambda got: (
                    len(got.named("projector", "project")) >= 5
                    and len(got.named("processor", "complete_activity")) == 2
                )
            )
            of_request = list(collector.spans)
            async with AIOKafkaProducer(**client_options(own)) as producer:
                reading = {"tags": {"device_id": "pump"}, "fields": {"t": 95}}
                partition = partition_for("pump", topics.telemetry[topic].partitions)
                await producer.send_and_wait(topic, msgspec.json.encode(reading), b"pump", partition)
            await collector.until(lambda got: len(got.named("processor", "complete_activity")) == 4)
            await gateway.stop()
            for role in (router, actions, processor, projector):
                await role.stop()  # which sends what is left
    request(collector, answer.json()["instance_id"], of_request, called)
    reading_of(collector, topic)
    assert len({span.id for span in collector.spans}) == len(collector.spans), "no span twice"
    assert all(span.seconds >= 0 and not span.failed for span in collector.spans)


def request(collector: Collector, instance: str, spans: list[Got], called: list[str | None]) -> None:
    """The caller's trace: gateway, turn, action, turn; then the timer's own, linked to where it began to wait."""
    [server] = [one for one in collector.named("api", "POST") if one.attributes["http.route"].endswith("/start")]
    assert server.name == "POST /processes/{definition_id}/start"
    assert (server.trace, server.parent) == (f"{CALLER.trace_id:032x}", f"{CALLER.span_id:016x}")
    assert server.attributes["http.response.status_code"] == 202
    [started] = collector.children(server, "processor")
    assert (started.name, started.attributes["weir.subject"]) == ("start_process traced", instance)
    [action] = collector.children(started, "actions")
    assert called[0] == f"00-{action.trace}-{action.id}-01"
    [answered] = collector.children(action, "processor")
    assert "timer_started" in answered.attributes["weir.events"]
    assert answered.links == (), "it goes on within its trace"

    [fired] = [one for one in spans if one.links == (answered.id,)]
    assert (fired.role, fired.name, fired.parent) == ("processor", "fire_timer traced", "")
    assert fired.trace != server.trace
    [again] = collector.children(fired, "actions")
    [ended] = collector.children(again, "processor")
    assert ended.attributes["weir.events"][-1] == "completed"
    for turn in (started, answered, fired, ended):
        [projected] = collector.children(turn, "projector")
        assert projected.attributes["weir.events_written"] == len(turn.attributes["weir.events"])


def reading_of(collector: Collector, topic: str) -> None:
    """A trace of its own, which begins at the router."""
    [routed] = collector.named("router", "route")
    assert (routed.parent, routed.attributes["messaging.destination.name"]) == ("", topic)
    [started] = collector.children(routed, "processor")
    [action] = collector.children(started, "actions")
    [answered] = collector.children(action, "processor")
    assert [one.name for one in collector.spans if answered.id in one.links] == ["fire_timer traced"]
