"""Roles as processes: how they are started, and when they count as working."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from streams import ready
from streams.settings import Settings
from weir import role
from weir.home import environment
from weir.roles import NotReadyError, check_ready, role_specs


def test_every_role_gets_the_settings_and_a_place_to_announce_itself(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, app_id="plant-1", partitions=4)
    specs = role_specs(settings, tmp_path)
    assert [spec.name for spec in specs] == ["projector", "processor", "actions", "router", "bridge"]
    for spec in specs:
        assert spec.argv == (sys.executable, "-m", "weir.role", spec.name)
        assert environment(settings).items() <= spec.env.items()
        assert Path(spec.env[ready.VARIABLE]).parent.is_dir()
    assert len({spec.env[ready.VARIABLE] for spec in specs}) == len(specs)


@pytest.mark.parametrize("module", role.MODULES.values())
def test_every_role_has_a_module(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


def test_a_role_is_ready_when_it_has_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "router.ready"
    with pytest.raises(NotReadyError, match="router has not announced"):
        check_ready(file, "router")

    file.write_text("soon")
    with pytest.raises(NotReadyError):
        check_ready(file, "router")

    monkeypatch.setenv(ready.VARIABLE, str(file))
    ready.announce()
    assert int(file.read_text()) == os.getpid()
    with pytest.raises(NotReadyError, match="another program"):  # a pid that the kernel has given to somebody else
        check_ready(file, "router")

    file.write_text(f"{2**22 + 1}\n")
    with pytest.raises(NotReadyError):
        check_ready(file, "router")


def test_nothing_is_announced_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ready.VARIABLE, raising=False)
    ready.announce()


@pytest.mark.parametrize("argv", [[], ["plumber"], ["router", "bridge"]])
def test_an_unknown_role_is_a_usage_error(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert role.main(argv) == os.EX_USAGE
    assert "projector, processor, actions, router, bridge" in capsys.readouterr().err


def test_a_role_that_cannot_work_ends_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(role, "log_to_stderr", lambda _: None)
    settings = Settings(_env_file=None, topics_file=tmp_path / "nowhere.yaml")
    assert role.run_role("bridge", settings) == os.EX_SOFTWARE
    assert "nowhere.yaml" in capsys.readouterr().err


def test_settings_that_do_not_fit_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WEIR_CLOCK", "fast")
    assert role.main(["router"]) == os.EX_USAGE
    assert "clock" in capsys.readouterr().err.lower()
