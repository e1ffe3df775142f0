"""A distinctive password in every place that can hold one; everything fails; nothing that is said contains it."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from pydantic import ValidationError
from typer.testing import CliRunner

from streams import redaction
from streams.redaction import SecretUrl, guard_output, redact, without_password
from streams.settings import Settings
from weir.cli.main import app
from weir.home import environment
from weir.log_format import console_renderer

PLANTED = "pl4nted/pass@word#1"
WRITTEN = quote(PLANTED, safe="")
NOBODY = "127.0.0.1:24993"
EVERYWHERE = {
    "DATABASE_URL": f"postgresql://weir:{WRITTEN}@{NOBODY}/weir",
    "REDPANDA_BROKERS": NOBODY,
    "WEIR_MQTT_URL": f"mqtt://weir:{WRITTEN}@{NOBODY}",
    "WEIR_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "WEIR_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
    "WEIR_KAFKA_SASL_USERNAME": "weir",
    "WEIR_KAFKA_SASL_PASSWORD": PLANTED,
    "WEIR_DATABASES": f'{{"erp": "postgresql://weir:{WRITTEN}@{NOBODY}/erp"}}',
    "WEIR_TOPICS_FILE": str(Path(__file__).parents[2] / "redpanda" / "topics.yaml"),
}
BROKEN = {
    "a clock that is none": {"WEIR_CLOCK": "fast"},
    "another database that is none": {"WEIR_DATABASES": f'{{"erp": "mysql://weir:{WRITTEN}@{NOBODY}/erp"}}'},
    "no user": {"WEIR_KAFKA_SASL_USERNAME": ""},
    "a password that is not escaped": {"DATABASE_URL": f"postgresql://weir:{PLANTED}@{NOBODY}/weir"},
    "another scheme": {"DATABASE_URL": f"mysql://weir:{WRITTEN}@{NOBODY}/weir"},
    "half a certificate": {"WEIR_KAFKA_SSL_CERTFILE": "/srv/weir.pem"},
    "an MQTT URL that is none": {"WEIR_MQTT_URL": f"mqtt://weir:{PLANTED}@{NOBODY}"},
}


def is_clean(text: str) -> bool:
    """Neither the password, as meant or as written, nor the start of it."""
    return PLANTED not in text and WRITTEN not in text and "pl4nted" not in text


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The environment, in a folder of its own."""
    for name in environment(Settings(_env_file=None)):
        monkeypatch.delenv(name, raising=False)
    for name, value in EVERYWHERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    redaction._secrets.clear()


# ---- settings


@pytest.mark.usefixtures("planted")
def test_settings_hide_what_they_hold() -> None:
    settings = Settings(_env_file=None)
    copied = settings.model_copy(update={"database_url": EVERYWHERE["DATABASE_URL"]})
    for one in (settings, copied):
        assert is_clean(f"{one!r} {one}")
    assert is_clean(f"{settings.database_url} {settings.database_url!r} {settings.mqtt_url:>80} {[settings.mqtt_url]}")
    assert settings.database_url.reveal() == EVERYWHERE["DATABASE_URL"]
    assert environment(settings).items() >= EVERYWHERE.items()
    assert {PLANTED, WRITTEN} <= settings.secrets()


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("case", BROKEN)
def test_settings_that_do_not_fit_are_told_without_them(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BROKEN[case].items():
        monkeypatch.setenv(name, value)
    if case == "an MQTT URL that is none":  # which the roles that need it refuse
        assert is_clean(f"{Settings(_env_file=None)!r}")
    else:
        with pytest.raises(ValidationError) as refused:
            Settings(_env_file=None)
        assert is_clean(f"{refused.value} {refused.value!r}")
    result = CliRunner().invoke(app, ["--debug", "migrate"])
    assert result.exit_code in (2, 3)
    assert is_clean(result.output)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:b@c:1/d?sslmode=require", "postgresql://a@c:1/d?sslmode=require"),
        ("postgresql://c/d?user=a&password=b&sslpassword=e", "postgresql://c/d?user=a"),
        ("mqtt://a@c", "mqtt://a@c"),
        ("mqtt://c:1883", "mqtt://c:1883"),
        ("mqtt://a:b/c@d:e", "mqtt://***"),
        ("postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql"),
    ],
)
def test_a_url_as_it_may_be_shown(url: str, shown: str) -> None:
    assert without_password(url) == str(SecretUrl(url)) == shown


# ---- what others print


@pytest.mark.usefixtures("planted")
def test_what_a_library_repeats_is_redacted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    guard_output(Settings(_env_file=None).secrets())
    guard_output(Settings(_env_file=None).secrets())  # a second time changes nothing
    sys.stderr.write(f"cannot connect to {EVERYWHERE['DATABASE_URL']}: {PLANTED}\n")
    assert capsys.readouterr().err == f"cannot connect to postgresql://weir:***@{NOBODY}/weir: ***\n"
    assert redact(f"a {PLANTED} b") == "a *** b"


def test_short_words_are_left_alone() -> None:
    guard_output({"weir", "", "long-enough"})
    assert redact("weir is long-enough") == "weir is ***"
    redaction._secrets.clear()


def test_a_traceback_in_the_log_has_no_local_variables() -> None:
    def connect(password: str) -> None:
        raise OSError(len(password))

    printed: list[str] = []
    logger = structlog.wrap_logger(
        structlog.PrintLogger(), processors=[console_renderer(), lambda _, __, text: printed.append(text) or ""]
    )
    try:
        connect(PLANTED)
    except OSError:
        logger.exception("failed")
    [text] = printed
    assert "raise OSError" in text
    assert is_clean(text)


# ---- everything fails

COMMANDS: list[list[str]] = [
    ["status"],
    ["start", "cooling", "--key", "a"],
    ["signal", "go", "--key", "a"],
    ["instances"],
    ["history", "019b8e5c-0000-8000-8000-000000000000"],
    ["migrate"],
    ["topics", "apply"],
    ["up"],
    ["verify"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_that_fails_says_nothing_of_them(planted: Path, command: list[str]) -> None:
    for options in (["--json"], []):
        result = CliRunner().invoke(app, ["--home", str(planted), "--debug", *command, *options])
        assert result.exit_code != 0, result.output
        assert is_clean(result.output), result.output
    for file in planted.rglob("*"):
        assert file.name == "weir.env" or not file.is_file() or is_clean(file.read_text(errors="replace")), file


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("case", ["nobody is there", *BROKEN])
async def test_a_role_that_fails_says_nothing_of_them(case: str) -> None:
    """The bridge: it needs Kafka and MQTT."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "weir.role", "bridge"),
        env={**os.environ, **BROKEN.get(case, {}), "WEIR_LOG_LEVEL": "DEBUG"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        said = await process.stdout.readline()
        if case == "nobody is there":  # it waits, and has said so
            process.kill()
        output = (said + (await process.communicate())[0]).decode()
    assert output
    assert is_clean(output), output
