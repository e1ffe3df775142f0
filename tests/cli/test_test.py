"""``weir test``: what is run, what is said, how it ends."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from weir.cli.main import app
from weir.home import PROJECT

SHIPPED = PROJECT / "definitions"
NAME = "temperature-control"
HELPS = "Threshold exceeded (trigger cooling): the cooling helps"


@pytest.fixture
def weir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command where nothing answers on any port; ``definitions`` holds a process and its tests."""
    monkeypatch.setenv("REDPANDA_BROKERS", "127.0.0.1:25990")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "definitions").mkdir()
    for suffix in (".yaml", ".test.yaml"):
        shutil.copy(SHIPPED / f"{NAME}{suffix}", tmp_path / "definitions")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--home", str(tmp_path / "home"), *arguments])

    return run


def test_the_tests_of_the_definitions_folder_pass(weir):
    result = weir("test")
    assert result.exit_code == 0
    assert "5 passed, 0 failed" in result.stdout
    assert f" {NAME}       100.0" in result.stdout


@pytest.mark.parametrize("path", ["definitions", f"definitions/{NAME}.yaml", f"definitions/{NAME}.test.yaml"])
def test_tests_are_found_by_folder_definition_and_file(weir, path):
    result = weir("test", path, "--json", "-k", "COOLING HELPS")
    (line,) = result.stdout.splitlines()
    document = json.loads(line)
    assert document["files"] == [
        {
            "file": f"definitions/{NAME}.test.yaml",
            "ok": True,
            "problems": [],
            "tests": [{"name": HELPS, "ok": True, "failures": []}],
        }
    ]
    assert document["coverage"][0]["missing"] == [
        *("check_temp.false_path", "recheck_temp.false_path", "log_normal", "escalate"),
    ]


def test_a_failure_ends_with_1_and_names_the_place(weir, tmp_path):
    file = tmp_path / "definitions" / f"{NAME}.test.yaml"
    file.write_text(file.read_text().replace("expect: [{count: 0}]", "expect: [{count: 1}]"))
    result = weir("test")
    assert result.exit_code == 1
    assert "4 passed, 1 failed" in result.stdout
    assert (
        f"definitions/{NAME}.test.yaml:7:14: Expected 1 instance of {NAME} like this, but got 0 of 0" in result.stderr
    )


def test_a_file_that_cannot_be_read_ends_with_1(weir, tmp_path):
    (tmp_path / "definitions" / f"{NAME}.test.yaml").write_text("tests: [{nme: a}]")
    result = weir("test")
    assert result.exit_code == 1
    assert "Did you mean 'name'?" in result.stderr
    assert "0 passed, 0 failed, 1 file that cannot be read" in result.stdout


def test_too_little_coverage_ends_with_1(weir):
    assert weir("test", "--min-coverage", "100").exit_code == 0
    result = weir("test", "--min-coverage", "90", "-k", "cooling helps")
    assert result.exit_code == 1
    assert f"{NAME}: Expected 90 % to be run, but it was 63.6 %" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("gone",), 2, "no such file"),
        ((".", "-k", "snow"), 2, "no test with 'snow'"),
        (("home",), 1, "Expected a .test.yaml file"),
    ],
)
def test_nothing_to_run_is_a_mistake(weir, tmp_path, arguments, code, message):
    (tmp_path / "home").mkdir()
    result = weir("test", *arguments)
    assert result.exit_code == code
    assert message in result.stderr


def test_tests_are_no_definitions(weir):
    assert [one["id"] for one in json.loads(weir("validate", "definitions", "--json").stdout)] == [NAME]
    result = weir("validate", f"definitions/{NAME}.test.yaml")
    assert result.exit_code == 1
    assert "`weir test` runs them" in result.stderr
