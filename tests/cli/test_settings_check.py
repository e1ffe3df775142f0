"""Settings that nobody knows are told, with their place, and what may have been meant; and they stop nothing."""

import os
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from streams import ready
from streams.settings import Settings
from weir import role
from weir.cli.main import app
from weir.home import PROJECT, environment
from weir.settings_check import unknown

PLACES = ("streams", "projections", "weir", "benchmarks", "tests", "README.md", "Dockerfile", "docker-compose.yml")
MADE_UP = {"WEIR_PLANTED", "WEIR_HISTORY_KEEP_DAY", "WEIR_NONSENSE", "WEIR_BROKERS", "WEIR_DATABASE_URL"}
"""Unknown ones, which tests set."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without `.env`, and an environment without settings."""
    for name in [name for name in os.environ if name.startswith("WEIR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_set_in_the_environment_and_in_the_file_is_told_with_its_place(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("# of the plant\n\nWEIR_LOG_LEVEL=INFO\n\nexport WEIR_HISTORY_KEEP_DAY=40\n")
    nothing = "is no setting of this Weir: it does nothing"
    assert unknown({"WEIR_NONSENSE": "x", "PATH": "/bin"}) == [
        f"WEIR_NONSENSE in the environment {nothing}",
        f"WEIR_HISTORY_KEEP_DAY in .env, line 5, {nothing}. Did you mean 'WEIR_HISTORY_KEEP_DAYS'?",
    ]


@pytest.mark.parametrize(
    ("name", "meant"), [("WEIR_DATABASE_URL", "DATABASE_URL"), ("WEIR_BROKERS", "REDPANDA_BROKERS")]
)
def test_a_setting_that_others_named_is_found(name: str, meant: str) -> None:
    (told,) = unknown({name: "x"})
    assert told.endswith(f"Did you mean {meant!r}?")


def test_the_case_of_a_setting_is_of_no_account() -> None:
    assert unknown({"weir_log_level": "INFO", "Weir_Secret_Token": "x"}) == []


def test_what_weir_sets_and_reads_itself_is_known() -> None:
    sources = [
        file
        for place in PLACES
        for file in ([PROJECT / place] if (PROJECT / place).is_file() else (PROJECT / place).rglob("*.py"))
    ]
    named = {name for file in sources for name in re.findall(r"\bWEIR_[A-Z0-9_]*[A-Z0-9]\b(?!_)", file.read_text())}
    named -= MADE_UP | {"WEIR_KAFKA_SSL", "WEIR_MQTT_SSL"}  # beginnings of some
    assert len(named) > len(Settings.model_fields)
    assert unknown(dict.fromkeys([*named, *environment(Settings(_env_file=None))], "x")) == []


def test_a_command_tells_it_once_and_goes_on(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("WEIR_HISTORY_KEEP_DAY=40\n")
    (elsewhere / "pump.yaml").write_text((PROJECT / "definitions" / "temperature-control.yaml").read_text())
    result = CliRunner().invoke(app, ["validate", "pump.yaml", "--json"])
    assert result.exit_code == 0, result.output
    assert result.stderr.count("WEIR_HISTORY_KEEP_DAY ") == 1
    assert result.stderr.startswith("Warning: WEIR_HISTORY_KEEP_DAY in .env, line 1, ")


@pytest.mark.parametrize("supervised", [False, True])
def test_a_role_tells_it_unless_a_command_has(monkeypatch: pytest.MonkeyPatch, *, supervised: bool) -> None:
    monkeypatch.setenv("WEIR_NONSENSE", "x")
    monkeypatch.setitem(role.MODULES, "idle", __name__)
    if supervised:
        monkeypatch.setenv(ready.RESTARTS, "0")
    monkeypatch.setattr(role, "log_to_stderr", lambda *_: None)
    with capture_logs() as logs:
        assert role.main(["idle"]) == os.EX_OK
    told = [one["event"] for one in logs if one["log_level"] == "warning"]
    assert told == (
        [] if supervised else ["WEIR_NONSENSE in the environment is no setting of this Weir: it does nothing"]
    )


def run(_: Settings) -> None:
    """Be a role that has nothing to do."""
