"""The command line without a plant: help, usage, exit codes, what is said where."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.core.parse import parse_definition
from streams.monitoring.catalogue import METRICS
from streams.settings import Settings
from weir.cli.logs import Tail
from weir.cli.main import app
from weir.home import PROJECT, environment
from weir.stack.logs import put_aside

DEFINITION = PROJECT / "definitions" / "temperature-control.yaml"
INSTANCE = "019ab8f0-0000-8001-8000-000000000000"
COMMANDS = (
    *("actions", "up", "down", "status", "logs", "metrics", "demo", "deploy", "validate", "start", "signal", "cancel"),
    *("definitions", "activate", "deactivate", "diff", "bpmn", "template", "export", "import"),
    *("instances", "show", "history", "worker", "projector", "api", "migrate", "topics", "verify", "replay"),
)


@pytest.fixture
def weir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command in an empty directory, where nothing answers on any port."""
    for name in environment(Settings(_env_file=None)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDPANDA_BROKERS", "127.0.0.1:25990")
    monkeypatch.setenv("DATABASE_URL", "postgresql://weir:secret@127.0.0.1:25991/weir")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--home", str(tmp_path / "home"), *arguments])

    return run


def error_of(result: Result) -> dict[str, str]:
    """The error document of a command that was asked for JSON; there is nothing else on stdout."""
    (line,) = result.stdout.splitlines()
    return json.loads(line)["error"]


def test_help_tells_every_command_and_the_exit_codes(weir):
    result = weir("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in result.stdout
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(weir, command):
    result = weir(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("start",),
        ("start", "p", "--var", "x"),
        ("start", "p", "--vars", "[]"),
        ("start", "p", "--id", "mine"),
        ("start", "p", "--wait", "long"),
        ("signal", "go"),
        ("signal", "go", "--key", "k", "--instance", INSTANCE),
        ("signal", "go", "--key", "k", "--payload", "{"),
        ("cancel",),
        ("cancel", "pump-3"),
        ("show", "pump-3"),
        ("history", "pump-3"),
        ("instances", "--status", "asleep"),
        ("instances", "--limit", "0"),
        ("worker", "plumber"),
        ("demo", "--tick", "soon"),
        ("validate", "nowhere.yaml"),
        ("deploy", str(DEFINITION), "--prune"),
        ("diff", "pump"),
        ("export", "out", "pump:1", "--active"),
        ("template", "instantiate", "approval", "--param", "x"),
        ("template", "instantiate", "approval", "--param", "x=1"),
        ("template", "instantiate", "threshold-alarm", "--param", "id=x"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(weir, arguments):
    result = weir(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr
    assert "Value error" not in result.stderr, "that is pydantic's, and says nothing"


@pytest.mark.parametrize(
    "arguments",
    [
        ("start", "p", "--key", "k"),
        ("signal", "go", "--key", "k"),
        ("cancel", "--key", "k"),
        ("deploy", str(DEFINITION)),
        ("definitions", "list"),
        ("definitions", "show", "pump"),
        ("activate", "pump"),
        ("deactivate", "pump:2"),
        ("diff", "pump", "pump:2"),
        ("export", "out"),
        ("import", str(DEFINITION)),
        ("topics", "apply"),
    ],
)
def test_without_kafka_it_is_exit_code_3(weir, arguments):
    result = weir(*arguments, "--json")
    assert result.exit_code == 3, result.output
    error = error_of(result)
    assert error["reason"] == "unreachable"
    assert "127.0.0.1:25990" in error["message"]
    assert "weir up" in error["hint"]
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("instances",), ("show", INSTANCE), ("history", INSTANCE), ("migrate",)])
def test_without_a_database_it_is_exit_code_3(weir, arguments):
    result = weir(*arguments, "--json")
    assert result.exit_code == 3, result.output
    assert "127.0.0.1:25991/weir" in error_of(result)["message"]
    assert "secret" not in result.output


def test_debug_shows_the_traceback(weir):
    result = CliRunner().invoke(app, ["--debug", "migrate"])
    assert result.exit_code == 3
    assert "Traceback" in result.stderr


def test_a_setting_that_does_not_fit_is_exit_code_2(weir, monkeypatch):
    monkeypatch.setenv("WEIR_PARTITIONS", "many")
    monkeypatch.setenv("DATABASE_URL", "here")
    result = weir("instances")
    assert result.exit_code == 2
    assert "\nWEIR_PARTITIONS: Input should be a valid integer" in result.stderr
    assert "\nDATABASE_URL: Expected postgresql://" in result.stderr


def test_nothing_runs(weir):
    result = weir("status", "--json")
    assert result.exit_code == 1, "the settings name services that do not answer"
    assert [service["state"] for service in json.loads(result.stdout)["services"]] == [
        "unhealthy",
        "unhealthy",
        "stopped",
    ]
    assert "password" not in result.output


def test_nothing_was_started(weir, monkeypatch):
    monkeypatch.delenv("REDPANDA_BROKERS")
    monkeypatch.delenv("DATABASE_URL")
    assert weir("status").exit_code == 3
    down = weir("down", "--json")
    assert (down.exit_code, json.loads(down.stdout)) == (0, {"stopped": []})


def test_metrics_are_listed(weir):
    listed = json.loads(weir("metrics", "--json").stdout)
    assert {metric["name"] for metric in listed} == set(METRICS)
    table = weir("metrics").stdout
    assert "weir_lag_seconds" in table
    assert "topic, partition" in table


def test_logs(weir, tmp_path):
    assert weir("logs").exit_code == 1
    logs = tmp_path / "home" / "logs"
    logs.mkdir(parents=True)
    (logs / "kafka.log").write_text("".join(f"line {number}\n" for number in range(50)))
    (logs / "router.log").write_text("routed\n")
    assert weir("logs", "kafka", "-n", "2").stdout == "line 48\nline 49\n"
    assert weir("logs", "-n", "1").stdout == "kafka  | line 49\nrouter | routed\n"
    unknown = weir("logs", "plumber")
    assert unknown.exit_code == 1
    assert "kafka, router" in unknown.stderr


def test_a_log_that_is_put_aside_is_followed_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("weir.stack.logs.LOG_MAX_BYTES", 10)
    log = tmp_path / "router.log"
    with log.open("ab", buffering=0) as written:  # as a process does that runs on
        written.write(b"one\ntwo\n")
        assert not put_aside(log)
        tail = Tail(log, "router | ")
        tail.last(1)
        written.write(b"three\nfour\n")
        assert tail.more()
        assert put_aside(log)
        assert log.with_suffix(".log.1").read_bytes() == b"one\ntwo\nthree\nfour\n"
        assert not tail.more()
        written.write(b"five\n")
        assert tail.more()
        tail.close()
    assert log.read_bytes() == b"five\n"
    assert capsys.readouterr().out == "".join(f"router | {one}\n" for one in ("two", "three", "four", "five"))


def test_a_valid_definition(weir):
    result = weir("validate", str(DEFINITION.parent), "--json")
    assert result.exit_code == 0, result.output
    found = {one["id"]: one for one in json.loads(result.stdout)}
    assert found["temperature-control"]["ok"]
    assert found["temperature-control"]["version"] == 1


def test_an_invalid_definition_names_its_place(weir, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(DEFINITION.read_text().replace("next: wait_recheck", "next: wait_rechek"))
    undeclared = tmp_path / "undeclared.yml"
    undeclared.write_text(DEFINITION.read_text().replace("topic: heatpump-telemetry", "topic: nowhere"))
    result = weir("validate", str(tmp_path), "--json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)
    assert not first["ok"]
    assert first["problems"][0].startswith(f"{bad}:")
    assert "wait_rechek" in first["problems"][0]
    (problem,) = second["problems"]
    assert problem == (
        f"{undeclared}:9:10: trigger.topic: Topic 'nowhere' is not declared\n"
        "    9 |   topic: nowhere\n"
        "      |          ^\n"
        "        Add it under 'telemetry:' in redpanda/topics.yaml"
    )


def test_an_mqtt_topic_without_a_route_names_its_place(weir, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "id: a\ntriggers: [{type: api}, {type: mqtt, topic: hall/x}]\n"
        "activities: [{id: w, type: timer, duration: 1s}]\n"
    )
    (problem,) = json.loads(weir("validate", str(tmp_path), "--json").stdout)[0]["problems"]
    assert problem.startswith(f"{tmp_path / 'a.yaml'}:2:45: triggers[1].topic: No route carries all of MQTT topic")
    assert "Add a topic with 'mqtt: hall/x' under 'telemetry:'" in problem


def test_deploy_sends_nothing_when_a_file_is_invalid(weir, tmp_path):
    (tmp_path / "a.yaml").write_text(DEFINITION.read_text())
    (tmp_path / "b.yaml").write_text("id: b\n")
    result = weir("deploy", str(tmp_path), "--json")
    assert result.exit_code == 1, "the broker, which is not there, was not needed"
    assert [one["outcome"] for one in json.loads(result.stdout)] == ["not_sent", "invalid"]


def test_what_no_command_can_carry_is_told_before_anything_is_sent(weir, tmp_path):
    (tmp_path / "a.yaml").write_text(DEFINITION.read_text())
    steps = "".join(f"  - {{id: a{n}, type: service, action: log, message: '{'x' * 900}'}}\n" for n in range(300))
    (tmp_path / "b.yaml").write_text(f"id: b\ntrigger: {{type: api}}\nactivities:\n{steps}")
    result = weir("deploy", str(tmp_path), "--json")
    assert result.exit_code == 1, result.output
    fits, large = json.loads(result.stdout)
    assert (fits["outcome"], large["outcome"]) == ("not_sent", "invalid")
    assert "bytes" in large["message"]


def test_a_folder_without_definitions(weir, tmp_path):
    result = weir("validate", str(tmp_path))
    assert result.exit_code == 1
    assert "Expected .yaml files" in result.stderr


def test_a_series_that_cannot_be_played_names_the_line(weir, tmp_path):
    (tmp_path / "bad.csv").write_text("timestamp,value\n2024-01-01,hot\n")
    result = weir("demo", "--data", str(tmp_path / "bad.csv"), "--json")
    assert result.exit_code == 2
    assert f"{tmp_path / 'bad.csv'}:2:" in error_of(result)["message"]
    assert not (tmp_path / "home").exists(), "nothing is started for it"


def test_templates_are_listed_and_explained(weir):
    listed = {one["template"]: one for one in json.loads(weir("template", "list", "--json").stdout)}
    assert {"approval", "threshold-alarm"} <= set(listed)
    assert "approval" in weir("template", "list").stdout
    shown = json.loads(weir("template", "show", "threshold-alarm", "--json").stdout)
    assert [one["name"] for one in shown["parameters"] if one["required"]] == ["id", "field", "on", "off"]
    assert "How long the reading must be there" in weir("template", "show", "threshold-alarm").stdout
    unknown = weir("template", "show", "threshold", "--json")
    assert (unknown.exit_code, error_of(unknown)["reason"]) == (1, "unknown_definition")
    assert "Did you mean 'threshold-alarm'?" in error_of(unknown)["message"]


def test_a_template_becomes_a_definition(weir, tmp_path):
    values = ("--param", "id=boiler-hot", "--param", "field=flow_temp_c", "--param", "on=70", "--param", "off=65")
    printed = weir("template", "instantiate", "threshold-alarm", *values)
    assert printed.exit_code == 0, printed.output
    assert parse_definition(printed.stdout).id == "boiler-hot"
    file = tmp_path / "boiler.yaml"
    written = weir("template", "instantiate", "threshold-alarm", *values, "--output", str(file), "--json")
    assert json.loads(written.stdout)["file"] == str(file)
    assert file.read_text() == printed.stdout
    wrong = weir("template", "instantiate", "threshold-alarm", *values, "--param", "id=boiler hot", "--json")
    assert (wrong.exit_code, error_of(wrong)["reason"]) == (1, "invalid_definition")
    assert "threshold-alarm.yaml:" in error_of(wrong)["message"], "the mistake is told where the template has it"


def test_a_template_that_cannot_be_read_hides_no_other(weir, tmp_path, monkeypatch):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "torn.yaml").write_text("kind: template\n  id: [")
    monkeypatch.setenv("PROCESS_DEFINITIONS_PATH", str(tmp_path))
    listed = {one["template"]: one for one in json.loads(weir("template", "list", "--json").stdout)}
    assert "torn.yaml:2:" in listed["torn"]["problem"]
    assert "problem" not in listed["approval"]
    assert "torn" in weir("template", "list").stdout


def test_a_template_of_ones_own_is_found_and_checked(weir, tmp_path, monkeypatch):
    own = tmp_path / "own" / "templates" / "approval.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("kind: template\nid: mine\ndefinition:\n  id: x\n  trigger: {type: api}\n  activities: []\n")
    monkeypatch.setenv("PROCESS_DEFINITIONS_PATH", str(tmp_path / "own"))
    assert json.loads(weir("template", "show", "approval", "--json").stdout)["template"] == "mine"
    (checked,) = json.loads(weir("validate", str(tmp_path / "own"), "--json").stdout)
    assert (checked["kind"], checked["ok"]) == ("template", False)
    assert f"{own}:6:15: activities: Expected a list under 'activities:'" in checked["problems"][0]


def test_a_difference_is_exit_code_1(weir, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(
        DEFINITION.read_text().replace("duration: 5m", "duration: 10m").replace("version: 1", "version: 2")
    )
    same = weir("diff", str(DEFINITION), str(DEFINITION), "--json")
    assert (same.exit_code, json.loads(same.stdout)["changes"]) == (0, [])
    result = weir("diff", str(DEFINITION), str(other), "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    (change,) = document["changes"]
    found = [change[name] for name in ("part", "name", "field", "old", "new")]
    assert found == ["activity", "wait_recheck", "duration", "5m", "10m"]
    assert (document["old"]["version"], document["new"]["version"], document["instances"]) == (1, 2, None)
    assert weir("diff", str(DEFINITION), str(other)).stdout == "~ activity wait_recheck: duration: 5m → 10m\n"


def test_a_definition_is_drawn_without_a_plant(weir, tmp_path: Path):
    shown = weir("bpmn", str(DEFINITION))
    assert shown.exit_code == 0
    assert shown.stdout.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<bpmn:definitions ')
    assert weir("bpmn", str(DEFINITION), "-o", "drawn.bpmn").stdout == ""
    assert (tmp_path / "drawn.bpmn").read_text() == shown.stdout
    refused = weir("bpmn", "lacking.yaml")
    assert (refused.exit_code, "lacking.yaml: Expected a text file" in refused.stderr) == (2, True)
    refused = weir("bpmn", str(DEFINITION), "-o", str(tmp_path))
    assert (refused.exit_code, "Expected to write" in refused.stderr) == (2, True)
