"""A small plant with TLS and a password on each of its ways: reading → event → row, and the action it leads to."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from typer.testing import CliRunner, Result

from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.settings import Settings
from streams.topics import Topics
from tests.roles import until
from tests.security.services import PASSWORD, Services
from tests.site import make_site, telemetry_topic
from weir.cli.main import app
from weir.database import bring_up_to_date
from weir.home import environment, save
from weir.role import MODULES
from weir.roles import role_spec
from weir.stack.checks import run_async
from weir.stack.stack import Stack

COOLING = """
id: cooling
version: 1
trigger: {{type: redpanda, topic: {topic}, condition: fields.flow_temp_c > 25}}
variables: [{{name: device_id, source: tags.device_id}}]
activities:
  - {{id: cool, type: service, action: mqtt_publish,
     config: {{topic: "{app}/control", payload: {{device: "${{device_id}}"}}}}}}
"""
READING = {"tags": {"device_id": "pump-1"}, "fields": {"flow_temp_c": 31.5}}  # of now: it has no time of its own


def weir(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), *arguments])


@pytest.fixture
def no_settings_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in environment(Settings(_env_file=None)):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


@asynccontextmanager
async def hearing(settings: Settings, topic: str) -> AsyncIterator[tuple[aiomqtt.Client, list[Any]]]:
    """A client of the broker over TLS, and the payloads that come on ``topic``."""
    heard: list[Any] = []
    async with MqttAddress.of(settings).client() as client:
        await client.subscribe(topic, qos=1)

        async def listen() -> None:
            async for message in client.messages:
                heard.append(orjson.loads(bytes(message.payload)))  # noqa: PERF401  as they come

        listening = asyncio.create_task(listen())
        yield client, heard
        listening.cancel()


async def everything_in(settings: Settings, topics: Topics) -> bytes:
    """All bytes of all records of all topics, headers too."""
    consumer = AIOKafkaConsumer(**client_options(settings), auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, n) for topic in topics.all() for n in range(topic.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        found: list[bytes] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    found += [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
        return b"\n".join(found)
    finally:
        await consumer.stop()


@pytest.mark.usefixtures("no_settings_around")
async def test_a_plant_through_tls(services: Services, secure: Callable[..., Settings], tmp_path: Path) -> None:
    settings, topics = await make_site(secure(), tmp_path, station=True)
    await bring_up_to_date(settings)
    home = tmp_path / "home"
    home.mkdir()
    save(home, settings, services.ports, durable=False)
    (tmp_path / "cooling.yaml").write_text(COOLING.format(topic=telemetry_topic(settings), app=settings.app_id))
    stack = Stack(home, settings=settings)
    try:
        await asyncio.to_thread(stack.start_processes, [role_spec(name, settings, home) for name in MODULES])
        deployed = await asyncio.to_thread(weir, home, "deploy", "cooling.yaml")
        assert deployed.exit_code == 0, deployed.output
        async with hearing(settings, f"{settings.app_id}/control") as (client, heard):
            await client.publish(f"{settings.app_id}/heatpump/pump-1/telemetry", orjson.dumps(READING), qos=1)
            await until(lambda: bool(heard), lambda: stack.log_path("actions").read_text())
        assert heard == [{"device": "pump-1"}]
        rows = await completed(home)
        status = await asyncio.to_thread(weir, home, "status", "--json")
        verified = await asyncio.to_thread(weir, home, "verify", "--json")
        command_lines = [" ".join(process.cmdline()) for process in roles_under(home)]
        records = await everything_in(settings, topics)
    finally:
        await asyncio.to_thread(stack.down)
    assert [row["status"] for row in rows] == ["completed"]
    assert json.loads(verified.stdout)["ok"] is True, verified.output
    assert {one["name"]: one["state"] for one in json.loads(status.stdout)["services"]}.items() >= {
        "kafka": "external",
        "postgres": "external",
        "mqtt": "external",
        "processor": "running",
    }.items()
    assert len(command_lines) == len(MODULES)
    assert b"pump-1" in records
    logs = [path.read_text() for path in (home / "logs").iterdir()]
    for text in [status.output, verified.output, records.decode(errors="replace"), *command_lines, *logs]:
        assert PASSWORD not in text
    state = (home / "state.json").read_text() if (home / "state.json").exists() else ""
    assert PASSWORD not in state
    assert (home / "weir.env").stat().st_mode & 0o077 == 0


async def completed(home: Path) -> list[dict[str, Any]]:
    """The instances, once the one has ended."""
    rows: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while not rows or rows[0]["status"] == "running":
            asked = await asyncio.to_thread(weir, home, "instances", "--json")
            assert asked.exit_code == 0, asked.output
            rows = json.loads(asked.stdout)
    return rows


def roles_under(home: Path) -> list[psutil.Process]:
    records = json.loads((home / "state.json").read_text())["processes"]
    return [psutil.Process(record["pid"]) for record in records.values()]


# ---- refusals, as a role and as a command tell them

BAD = "another-password"
ROLES_REFUSED: dict[str, tuple[str, Callable[[Services], dict[str, Any]], str]] = {
    "processor, Kafka password": ("processor", lambda _: {"kafka_sasl_password": BAD}, "WEIR_KAFKA_SASL_PASSWORD"),
    "router, unknown CA": (
        "router",
        lambda at: {"kafka_ssl_cafile": at.certificates.other_ca},
        "not trusted here, check WEIR_KAFKA_SSL_CAFILE",
    ),
    "bridge, Kafka password": ("bridge", lambda _: {"kafka_sasl_password": BAD}, "WEIR_KAFKA_SASL_PASSWORD"),
    "bridge, MQTT password": (
        "bridge",
        lambda at: {"mqtt_url": at.mqtt_url(password=BAD)},
        "check user and password in WEIR_MQTT_URL",
    ),
    "actions, MQTT certificate": (
        "actions",
        lambda at: {"mqtt_url": at.mqtt_url("expired")},
        "expired, check WEIR_MQTT_SSL_CAFILE",
    ),
    "actions, no such file": ("actions", lambda _: {"kafka_ssl_cafile": "/nowhere.pem"}, "WEIR_KAFKA_SSL_CAFILE"),
    "projector, database password": (
        "projector",
        lambda at: {"database_url": at.database_url(password=BAD, sslmode="require")},
        "Check user and password in DATABASE_URL",
    ),
    "projector, unknown CA": (
        "projector",
        lambda at: {"database_url": at.database_url(sslmode="verify-full", sslrootcert=at.certificates.other_ca)},
        "Check sslrootcert and the host in DATABASE_URL",
    ),
}


async def test_a_role_that_is_refused_ends_with_70_and_one_line(
    services: Services, secure: Callable[..., Settings], tmp_path: Path
) -> None:
    async def one(case: str) -> None:
        role, change, names = ROLES_REFUSED[case]
        settings = secure(**change(services)).model_copy(update={"topics_file": good.topics_file})
        settings = settings.model_copy(update={"app_id": good.app_id})
        async with asyncio.timeout(120):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "weir.role", role),
                env={**os.environ, **environment(settings)},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output = (await process.communicate())[0].decode()
        telling = [line for line in output.splitlines() if names in line]
        assert process.returncode == 70, f"{case}: {output}"
        assert len(telling) == 1, f"{case}: {output}"
        assert "Traceback" not in output, f"{case}: {output}"
        assert BAD not in output
        assert PASSWORD not in output

    good, _ = await make_site(secure(), tmp_path)
    cases = list(ROLES_REFUSED)
    for pair in zip(cases[::2], cases[1::2], strict=True):  # two at a time: each takes half a second of importing
        await asyncio.gather(*map(one, pair))


COMMANDS_REFUSED: dict[str, tuple[tuple[str, ...], Callable[[Services], dict[str, Any]], str]] = {
    "start": (("start", "cooling", "--key", "a"), lambda _: {"kafka_sasl_password": BAD}, "WEIR_KAFKA_SASL_PASSWORD"),
    "topics": (
        ("topics", "apply"),
        lambda at: {"kafka_ssl_cafile": at.certificates.other_ca},
        "WEIR_KAFKA_SSL_CAFILE",
    ),
    "instances": (
        ("instances",),
        lambda at: {"database_url": at.database_url(password=BAD, sslmode="require")},
        "user and password in DATABASE_URL",
    ),
    "migrate": (
        ("migrate",),
        lambda at: {"database_url": at.database_url(sslmode="verify-full", sslrootcert="/nowhere")},
        "sslrootcert=/nowhere",
    ),
    "up": (("up",), lambda at: {"mqtt_url": at.mqtt_url("elsewhere")}, "WEIR_MQTT_SSL_CAFILE"),
}


@pytest.mark.usefixtures("no_settings_around")
@pytest.mark.parametrize("case", COMMANDS_REFUSED)
def test_a_command_that_is_refused_ends_with_3(
    services: Services, secure: Callable[..., Settings], tmp_path: Path, case: str
) -> None:
    arguments, change, names = COMMANDS_REFUSED[case]
    settings, _ = run_async(make_site(secure(), tmp_path))
    changed = secure(**change(services)).model_copy(update={"topics_file": settings.topics_file})
    save(tmp_path, changed, services.ports, durable=False)
    result = weir(tmp_path, *arguments, "--json")
    assert result.exit_code == 3, result.output
    assert names in json.loads(result.stdout.splitlines()[-1])["error"]["message"]
    assert "Traceback" not in result.output
    assert BAD not in result.output
    assert PASSWORD not in result.output
