"""``weir actions``: every action is told, and what one would do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.core.actions import ACTIONS
from weir.cli.main import app
from weir.home import PROJECT

DEFINITION = PROJECT / "definitions" / "temperature-control.yaml"
OWN = """\
id: own
trigger: {type: api}
variables: [{name: device, required: true}, {name: note}]
activities:
  - {id: ask, type: service, action: http_request, output: answer,
     config: {url: "https://plant.example/${device}", headers: {Authorization: "Bearer ${secrets.token}"}}}
  - {id: keep, type: service, action: database_execute, config: {database: erp,
     statement: "INSERT INTO t VALUES (:a)", params: {a: "${answer.body}"}}}
  - {id: tell, type: service, action: notify, config: {message: "${note}", channel: nobody}}
  - {id: log, type: service, action: log, config: {message: "for ${device}"}}
  - {id: wait, type: timer, duration: 1s}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIR_TOPICS_FILE", str(PROJECT / "redpanda" / "topics.yaml"))
    monkeypatch.setenv("WEIR_DATABASES", '{"erp": "postgresql://weir:pl4nted@127.0.0.1:24991/erp"}')
    monkeypatch.setenv("WEIR_SECRET_TOKEN", "pl4nted")
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path / "own.yaml"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["actions", *map(str, arguments)])
    assert "pl4nted" not in result.output
    return result


def dry_run(file: Path, activity: str, *arguments: str) -> dict[str, object]:
    result = run("dry-run", file, activity, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_list_has_every_action() -> None:
    told = json.loads(run("list", "--json").stdout)
    assert [one["action"] for one in told] == list(ACTIONS)
    database = next(one for one in told if one["action"] == "database_query")
    assert database["config"]["query"] == {"required": True}
    assert database["errors"]["database_busy"]["transient"] is True
    for name in ACTIONS:
        assert name in run("list").stdout


def test_a_dry_run_tells_what_would_happen(own: Path) -> None:
    told = dry_run(own, "ask", "--var", "device=pump-3")
    assert told["does"] == "sends GET to https://plant.example/pump-3"
    assert told["details"]["headers"]["Authorization"] == "Bearer ${secrets.token}"  # type: ignore[index]
    assert told["secrets"] == {"token": True}
    shown = run("dry-run", own, "ask", "--var", "device=pump-3").stdout
    assert shown.startswith("ask: sends GET to https://plant.example/pump-3\n{")


def test_what_an_earlier_activity_would_set_may_be_given(own: Path) -> None:
    told = dry_run(own, "keep", "--var", "device=x", "--vars", '{"answer": {"body": [1]}}')
    assert told["does"] == "changes rows of the database erp"
    assert told["details"]["arguments"] == [[1]]  # type: ignore[index]
    assert dry_run(own, "log", "--var", "device=x")["details"] == {"message": "for x", "level": "info"}


def test_the_readmes_own_definition_can_be_tried(own: Path) -> None:
    told = dry_run(DEFINITION, "activate_cooling", "--var", "device_id=pump-3")
    assert "publishes" in str(told["does"])


@pytest.mark.parametrize(
    ("activity", "arguments", "code", "says"),
    [
        ("ask", [], 1, "Expected a value for variable 'device'"),
        ("keep", ["--var", "device=x"], 1, "answer"),
        ("tell", ["--var", "device=x", "--var", "note="], 1, "Expected a text in config.message"),
        ("wait", [], 2, "Expected a service activity of own, but 'wait' is none"),
        ("asks", [], 2, "Did you mean 'ask'?"),
    ],
)
def test_what_cannot_be_tried_is_told(own: Path, activity: str, arguments: list[str], code: int, says: str) -> None:
    result = run("dry-run", own, activity, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr


def test_a_secret_that_is_not_set_is_told(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEIR_SECRET_TOKEN")
    result = run("dry-run", own, "ask", "--var", "device=x")
    assert result.exit_code == 0
    assert "WEIR_SECRET_TOKEN" in result.stderr


def test_a_file_that_is_not_there_is_told() -> None:
    assert run("dry-run", "nowhere.yaml", "a").exit_code == 2
