"""What `weir up` leaves in a home, and what a later command makes of it."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.settings import Settings
from weir.home import FILE, PROJECT, environment, forget_settings, load_settings, load_stack_options, load_workers, save
from weir.stack.ports import Ports

PORTS = Ports(kafka=25001, kafka_controller=25002, postgres=25003, mqtt=25004, api=25005)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without `.env`, and an environment without settings."""
    for name in environment(everything()):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything() -> Settings:
    """Settings that differ from every default."""
    return Settings(
        _env_file=None,
        database_url="postgresql://weir:p%27a$s@db:5432/weir",
        brokers="a:9092,b:9092",
        app_id="plant 'one' \\ two",
        definitions_path=Path("/srv/definitions"),
        mqtt_url="mqtts://user:secret#1@mqtt:8883",
        topics_file=Path("/srv/topics.yaml"),
        partitions=12,
        clock="2013-12-10T06:25:00Z@2026-11-21T02:00:00Zx3000",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username="weir",
        kafka_sasl_password=SecretStr('it\'s # "quoted"'),
        kafka_ssl_cafile=Path("/srv/ca.pem"),
        kafka_ssl_certfile=Path("/srv/weir.pem"),
        kafka_ssl_keyfile=Path("/srv/weir.key"),
        mqtt_ssl_cafile=Path("/srv/mqtt-ca.pem"),
        mqtt_ssl_certfile=Path("/srv/mqtt.pem"),
        mqtt_ssl_keyfile=Path("/srv/mqtt.key"),
        databases={"erp": "postgresql://weir:p%27a$s@erp:5432/orders"},
        secrets_dir=Path("/run/secrets"),
        channels_file=Path("/srv/channels.yaml"),
        http_allow="10.1.0.0/16, homeassistant.local",
        script_sandbox="off",
        traces_endpoint="http://collector:4318",
        traces_ratio=0.25,
        session_timeout_s=20.5,
        member_id="worker-1",
        fetch_wait_ms=7,
        web_port="8080-8089",
        web_host="0.0.0.0",
        user_offline_s=60.0,
        timers="wheel",
        action_concurrency=3,
        done_ttl_s=10.0,
        commands_keep_s=3600.0,
        history_keep_days=365,
        telemetry_keep_days=90,
        audit_keep_days=730,
        api_host="0.0.0.0",
        api_port=18081,
        api_database_connections=3,
        api_max_lag_records=5000,
        api_max_lag_s=7.5,
        api_auth="off",
        api_admin_key=SecretStr("an administrator's key of 32 letters"),
        api_rate_per_s=50.0,
        api_max_body_bytes=4096,
        oidc_issuer="https://login.example/plant",
        oidc_audience="weir",
        log_level="WARNING",
        log_format="json",
        notify_failures="operators, station",
        notify_tasks="station",
        api_idempotency_keep_s=600.0,
    )


def test_every_setting_survives_the_home(elsewhere: Path) -> None:
    settings = everything()
    assert settings.model_fields_set == set(Settings.model_fields), "a new setting belongs into everything()"
    save(elsewhere / "home", settings, PORTS, durable=False)
    assert load_settings(elsewhere / "home") == settings
    assert load_stack_options(elsewhere / "home") == (PORTS, False)


def test_the_number_of_workers_is_remembered(elsewhere: Path) -> None:
    home = elsewhere / "home"
    assert load_workers(home) == {}
    save(home, everything(), PORTS, durable=True)
    assert load_workers(home) == {}
    save(home, everything(), PORTS, durable=True, workers={"processor": 3, "router": 0})
    assert load_workers(home) == {"processor": 3, "router": 0}


def test_every_setting_survives_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = everything()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == settings


def test_only_the_owner_may_read_passwords(elsewhere: Path) -> None:
    save(elsewhere / "home", everything(), PORTS, durable=True)
    assert stat.S_IMODE((elsewhere / "home" / FILE).stat().st_mode) == 0o600


def test_the_environment_wins_over_dot_env_and_that_over_the_home(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = elsewhere / "home"
    save(home, Settings(_env_file=None, brokers="home:1", app_id="home", mqtt_url="mqtt://home"), PORTS, durable=True)
    (elsewhere / ".env").write_text("PROCESS_ENGINE_GROUP_ID=dotenv\nWEIR_MQTT_URL=mqtt://dotenv\n")
    monkeypatch.setenv("WEIR_MQTT_URL", "mqtt://environment")
    found = load_settings(home)
    assert (found.brokers, found.app_id, found.mqtt_url) == ("home:1", "dotenv", "mqtt://environment")


def test_a_home_where_nothing_was_started(elsewhere: Path) -> None:
    assert load_stack_options(elsewhere / "home") == (None, True)
    assert load_settings(elsewhere / "home").brokers == Settings(_env_file=None).brokers


def test_the_projects_topics_serve_in_any_directory(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(elsewhere / "home").topics_file == PROJECT / "redpanda" / "topics.yaml"
    (elsewhere / "redpanda").mkdir()
    (elsewhere / "redpanda" / "topics.yaml").write_text("engine: {}\n")
    assert load_settings(elsewhere / "home").topics_file == Path("redpanda/topics.yaml")
    monkeypatch.setenv("WEIR_TOPICS_FILE", "missing.yaml")
    assert load_settings(elsewhere / "home").topics_file == Path("missing.yaml")


def test_forgetting_leaves_what_is_no_setting() -> None:
    environ = {"DATABASE_URL": "x", "WEIR_CLOCK": "wall", "weir_partitions": "3", "PATH": "/bin", "WEIR_HOME": "h"}
    forget_settings(environ)
    assert environ == {"PATH": "/bin", "WEIR_HOME": "h"}
