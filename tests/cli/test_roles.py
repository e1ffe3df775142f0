"""Roles as processes: how they are started, and when they count as working."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from streams import ready
from streams.settings import Settings
from streams.topics import load_topics
from tests.site import TOPICS, own_topics
from weir import role
from weir.home import environment
from weir.roles import home_id, role_spec, unneeded, worker_specs
from weir.stack.checks import NotReadyError, announced

ROLES = ["projector", "processor", "actions", "router", "station", "bridge", "api"]


def test_every_role_gets_the_settings_and_a_place_to_announce_itself(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, app_id="plant-1", partitions=4)
    specs = worker_specs(settings, tmp_path, {})
    assert [spec.name for spec in specs] == [spec.role for spec in specs] == ROLES
    for spec in specs:
        assert spec.argv == (sys.executable, "-m", "weir.role", spec.name)
        assert environment(settings).items() <= spec.env.items()
        assert spec.env[ready.VARIABLE] == spec.ready_file
    assert len({spec.ready_file for spec in specs}) == len(specs)


def test_a_role_tells_settings_that_do_not_fit_as_commands_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEIR_PARTITIONS", "many")
    monkeypatch.setenv("WEIR_CLOCK", "fast")
    assert role.main(["router"]) == os.EX_USAGE
    told = capsys.readouterr().err
    assert "\nWEIR_PARTITIONS: Input should be a valid integer" in told
    assert "\nWEIR_CLOCK: " in told
    assert "Value error" not in told


def test_workers_of_a_role_have_names_and_member_ids_that_stay(tmp_path: Path) -> None:
    settings = Settings(_env_file=None)
    home = home_id(tmp_path)
    assert home_id(tmp_path) == home != ""
    specs = worker_specs(settings, tmp_path, {"processor": 3, "router": 0})
    names = ["projector", "processor", "processor-2", "processor-3", "actions", "station", "bridge", "api"]
    assert [spec.name for spec in specs] == names
    assert [spec.env["WEIR_MEMBER_ID"] for spec in specs] == [f"{home}-{name}" for name in names]
    assert {spec.argv[-1] for spec in specs if spec.role == "processor"} == {"processor"}
    assert all("WEIR_WEB_PORT" not in spec.env for spec in specs)
    asked = worker_specs(settings.model_copy(update={"web_port": "24000-24009"}), tmp_path, {"processor": 2})
    assert {spec.env["WEIR_WEB_PORT"] for spec in asked} == {"24000-24009"}, "each takes the first that is free"
    given = worker_specs(settings.model_copy(update={"member_id": "hall-2"}), tmp_path, {})
    assert given[0].env["WEIR_MEMBER_ID"] == "hall-2-projector"


def test_a_change_of_the_topics_file_changes_what_the_workers_read(tmp_path: Path) -> None:
    own = own_topics(Settings(_env_file=None), tmp_path)
    before, again = worker_specs(own, tmp_path, {}), worker_specs(own, tmp_path, {})
    assert before == again
    own.topics_file.write_text(own.topics_file.read_text() + "  boilers: {partitions: 1}\n")
    assert [spec.reads for spec in worker_specs(own, tmp_path, {})] != [spec.reads for spec in before]


def test_the_station_is_started_where_its_topics_are_declared(tmp_path: Path) -> None:
    settings = Settings(_env_file=None)
    assert unneeded(load_topics(settings.model_copy(update={"topics_file": TOPICS}))) == {}
    own = own_topics(settings, tmp_path)
    assert unneeded(load_topics(own)) == {"station": 0}
    assert "station" not in {spec.name for spec in worker_specs(own, tmp_path, unneeded(load_topics(own)))}


def test_a_role_that_is_started_once_is_no_static_member(tmp_path: Path) -> None:
    spec = role_spec("router", Settings(_env_file=None), tmp_path)
    assert "WEIR_MEMBER_ID" not in spec.env
    assert spec.ready_file is not None
    assert spec.ready_file.parent.is_dir()


@pytest.mark.parametrize("module", role.MODULES.values())
def test_every_role_has_a_module(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


def test_a_role_is_ready_when_it_has_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "router.ready"
    with pytest.raises(NotReadyError, match=f"{os.getpid()} has not announced"):
        announced(file, os.getpid())
    monkeypatch.setenv(ready.VARIABLE, str(file))
    ready.recovering(ready.Reached(430, 1000))
    with pytest.raises(NotReadyError) as caught:
        announced(file, os.getpid())
    assert caught.value.reached == (430, 1000)
    ready.announce()
    assert announced(file, os.getpid()) == "ready"
    with pytest.raises(NotReadyError):  # its predecessor, or nobody, has said so
        announced(file, os.getpid() + 1)
    with pytest.raises(NotReadyError):
        announced(file, None)


def test_nothing_is_announced_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ready.VARIABLE, raising=False)
    ready.announce()


@pytest.mark.parametrize("argv", [[], ["plumber"], ["router", "bridge"]])
def test_an_unknown_role_is_a_usage_error(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert role.main(argv) == os.EX_USAGE
    assert "projector, processor, actions, router, station, bridge, api" in capsys.readouterr().err


def test_a_role_that_cannot_work_ends_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(role, "log_to_stderr", lambda *_: None)
    settings = Settings(_env_file=None, topics_file=tmp_path / "nowhere.yaml")
    assert role.run_role("bridge", settings) == os.EX_SOFTWARE
    assert "nowhere.yaml" in capsys.readouterr().err


def test_settings_that_do_not_fit_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WEIR_CLOCK", "fast")
    assert role.main(["router"]) == os.EX_USAGE
    assert "clock" in capsys.readouterr().err.lower()
