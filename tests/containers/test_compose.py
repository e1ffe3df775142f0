"""``docker-compose.yml`` fits the code: its commands, settings, ports and files are those that exist."""

import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer import Context
from typer.main import get_command

from streams import ready
from streams.bridging import MAX_UNDER_WAY
from streams.mqtt import MqttAddress
from streams.settings import Settings, variable
from streams.topics import load_topics
from tests.containers.files import ROOT, load_compose, stages, tracked
from weir.cli.main import app
from weir.role import MODULES

COMPOSE = load_compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ONCE = {name: service for name, service in OURS.items() if name not in MODULES}
THEIRS = {name: service for name, service in SERVICES.items() if name not in OURS}
PROGRAMS = {  # of those images, what health checks use
    "redpandadata/redpanda": {"rpk", "grep"},
    "timescale/timescaledb": {"pg_isready"},
    "eclipse-mosquitto": {"mosquitto_sub", "["},
    "prom/prometheus": {"wget"},
    "grafana/grafana": {"wget"},
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What a role in its container finds."""
    for name, value in OURS["processor"]["environment"].items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def published(service: str) -> dict[int, int]:
    """Ports of the container, and where this machine has them."""
    places = [place.split(":") for place in SERVICES[service]["ports"]]
    assert all(host == "127.0.0.1" for host, _, _ in places), "to this machine only"
    return {int(inside): int(outside) for _, outside, inside in places}


def test_every_role_is_a_service_and_nothing_else_is_ours() -> None:
    assert {name: OURS[name]["command"] for name in MODULES} == {
        name: ["python", "-m", "weir.role", name] for name in MODULES
    }
    assert {name: service["command"] for name, service in ONCE.items()} == {
        "topics": ["weir", "topics", "apply"],
        "migrate": ["weir", "migrate"],
    }
    for service in ONCE.values():
        command: Any = get_command(app)
        for word in service["command"][1:]:
            _, command, _ = command.resolve_command(Context(command), [word])
    for name in MODULES:
        assert OURS[name]["restart"] == "unless-stopped", "a role that ends with 70 is to be started again"


def test_every_environment_variable_is_a_setting() -> None:
    known = {variable(name, field) for name, field in Settings.model_fields.items()}
    for service in OURS.values():
        assert service["environment"].keys() <= known
        assert service["environment"] == OURS["processor"]["environment"]


def test_the_settings_point_at_the_services(settings: Settings) -> None:
    database, postgres = urlsplit(settings.database_url), SERVICES["timescaledb"]["environment"]
    assert database.hostname == "timescaledb"
    assert (database.username, database.password, database.path[1:]) == (
        postgres["POSTGRES_USER"],
        postgres["POSTGRES_PASSWORD"],
        postgres["POSTGRES_DB"],
    )
    assert database.port in published("timescaledb")

    flags = redpanda_flags()
    assert f"internal://{settings.brokers}" in flags["--advertise-kafka-addr"]
    assert f"internal://0.0.0.0:{settings.brokers.split(':')[1]}" in flags["--kafka-addr"]
    for inside, outside in published("redpanda").items():
        assert f"external://0.0.0.0:{inside}" in flags["--kafka-addr"]
        assert f"external://127.0.0.1:{outside}" in flags["--advertise-kafka-addr"]

    mqtt = MqttAddress.parse(settings.mqtt_url)
    [mounted] = [volume for volume in SERVICES["mosquitto"]["volumes"] if "mosquitto.conf" in volume]
    listeners = re.findall(r"^listener (\d+)$", (ROOT / mounted.split(":")[0]).read_text(), re.MULTILINE)
    assert mqtt.host == "mosquitto"
    assert [mqtt.port] == [int(port) for port in listeners] == list(published("mosquitto"))


def test_a_command_on_this_machine_finds_what_is_published() -> None:
    defaults = Settings.model_construct()
    assert list(published("redpanda").values()) == [int(defaults.brokers.split(":")[1])]
    assert list(published("timescaledb").values()) == [urlsplit(defaults.database_url).port]
    assert published("api") == {defaults.api_port: defaults.api_port}
    assert list(published("mosquitto").values()) == [MqttAddress.parse(defaults.mqtt_url).port]


def test_variables_of_the_shell_reach_both_sides() -> None:
    services = load_compose(POSTGRES_PASSWORD="other", PROCESS_ENGINE_GROUP_ID="hall-2")["services"]
    environment = services["projector"]["environment"]
    assert urlsplit(environment["DATABASE_URL"]).password == services["timescaledb"]["environment"]["POSTGRES_PASSWORD"]
    assert urlsplit(environment["DATABASE_URL"]).password == "other"
    assert environment["PROCESS_ENGINE_GROUP_ID"] == "hall-2"


def test_who_needs_what_waits_for_it() -> None:
    waits = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    for needed in waits.values():
        for name, how in needed.items():
            expected = "service_completed_successfully" if name in ONCE else "service_healthy"
            assert how == {"condition": expected}, name
    assert waits["topics"].keys() == {"redpanda"}
    assert waits["migrate"].keys() == {"timescaledb"}
    assert waits["projector"].keys() == waits["api"].keys() == waits["station"].keys() == {"topics", "migrate"}
    assert waits["processor"].keys() == waits["router"].keys() == {"topics"}
    assert waits["actions"].keys() == waits["bridge"].keys() == {"topics", "mosquitto"}


def test_every_service_that_stays_has_a_health_check() -> None:
    for service in THEIRS.values():
        kind, *command = service["healthcheck"]["test"]
        text = " ".join(command)
        assert kind in ("CMD", "CMD-SHELL")
        programs = {part.split()[0] for part in re.split(r"\|\|?|&&", text)}
        assert programs <= PROGRAMS[service["image"].split(":")[0]]
    for name in MODULES:
        assert "healthcheck" not in OURS[name], "the image's own"
    for service in ONCE.values():
        assert service["healthcheck"] == {"disable": True}


def test_a_restart_takes_back_that_a_role_is_ready() -> None:
    file = Path(stages()[-1].environment()[ready.VARIABLE])
    for name in MODULES:
        assert OURS[name]["read_only"]
        assert OURS[name]["tmpfs"] == str(file.parent)


def test_a_restart_keeps_a_roles_place_and_a_stop_gives_it_up(settings: Settings) -> None:
    """The container's name is its host's: the same after a restart, another's in each container of a role."""
    assert settings.member_id == socket.gethostname()
    for name in MODULES:
        assert "hostname" not in OURS[name], "Docker's own: the container's id"
        assert OURS[name]["restart"] == "unless-stopped"
        assert OURS[name]["stop_signal"] == "SIGINT"


def test_images_of_others_are_pinned() -> None:
    for service in THEIRS.values():
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+(-pg\d+)?", service["image"])
    assert THEIRS.keys() == {"redpanda", "timescaledb", "mosquitto", "prometheus", "grafana"}


def test_data_outlives_containers() -> None:
    mounts = {volume.split(":")[0]: volume.split(":")[1] for s in THEIRS.values() for volume in s["volumes"]}
    kept = {source: place for source, place in mounts.items() if not source.startswith("./")}
    assert kept.keys() == COMPOSE["volumes"].keys()
    assert {source.removeprefix("./") for source in mounts.keys() - kept.keys()} <= tracked()
    mosquitto = (ROOT / "redpanda" / "mosquitto.conf").read_text()
    assert f"persistence_location {kept['mosquitto']}/\n" in mosquitto
    assert "persistence true\n" in mosquitto


def test_mosquitto_sends_no_more_at_a_time_than_the_bridge_takes() -> None:
    mosquitto = (ROOT / "redpanda" / "mosquitto.conf").read_text()
    [limit] = re.findall(r"^max_inflight_messages (\d+)$", mosquitto, re.MULTILINE)
    assert 0 < int(limit) < MAX_UNDER_WAY


def test_what_is_mounted_is_in_git_and_where_the_settings_look(settings: Settings) -> None:
    [folder] = stages()[-1].all("WORKDIR")
    for service in OURS.values():
        mounts = dict(volume.removesuffix(":ro").split(":") for volume in service["volumes"])
        assert all(volume.endswith(":ro") for volume in service["volumes"])
        assert {source.removeprefix("./") for source in mounts} <= tracked()
        for path in (settings.definitions_path, settings.topics_file.parent):
            assert mounts[f"./{path}"] == f"{folder}/{path}"


def test_one_broker_can_hold_the_topics(settings: Settings) -> None:
    topics = load_topics(settings.model_copy(update={"topics_file": ROOT / settings.topics_file}))
    assert {topic.replication for topic in topics.all()} == {1}


def test_redpanda_acknowledges_what_is_on_disk_and_keeps_what_recovery_reads() -> None:
    flags = redpanda_flags()
    assert flags["--unsafe-bypass-fsync"] == "false"
    assert "--mode" not in flags
    words = SERVICES["redpanda"]["command"]
    properties = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--set")
    assert properties == {
        "redpanda.write_caching_default": "disabled",
        "redpanda.auto_create_topics_enabled": "false",
        "redpanda.tombstone_retention_ms": "86400000",
        "redpanda.group_offset_retention_sec": "315360000",
        "redpanda.log_compaction_tx_batch_removal_enabled": "false",
    }


def redpanda_flags() -> dict[str, str]:
    """``--name=value``; ``--set`` takes its value as the next word, which alone works."""
    flags = [word for word in SERVICES["redpanda"]["command"] if word.startswith("--") and word != "--set"]
    assert not any(flag.startswith("--set") for flag in flags)
    return {flag.partition("=")[0]: flag.partition("=")[2] for flag in flags}
