"""What people write becomes one definition, in every spelling."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.core.definition import ProcessDefinition
from streams.core.parse import check_definition, parse_definition, validate_definition

ROOT = Path(__file__).parent.parent.parent
CANONICAL = ROOT / "definitions" / "temperature-control.yaml"
SEEDS = Path(__file__).parent / "seeds"

SMALL = """
id: small
trigger: {type: api}
activities:
  - {id: wait, type: timer, duration: 1m}
"""


def seed(name: str) -> str:
    """A seed's YAML, word for word but for two things: its ``Â°C`` is ``°C`` read in the wrong encoding, and where one
    seed says ``log`` the other says ``database_log``, which is what the history in the database needs.
    """
    return (SEEDS / name).read_text().replace("Â°C", "°C").replace("action: log\n", "action: database_log\n")


def activities(text: str) -> list[dict[str, Any]]:
    """The activities of the canonical form."""
    parsed: list[dict[str, Any]] = parse_definition(text).model_dump(mode="json")["activities"]
    return parsed


def test_both_spellings_of_the_seeds_are_the_same_definition() -> None:
    canonical = parse_definition(CANONICAL.read_text())
    for name in ("starter-guide.yaml", "architecture-plan.yaml"):
        other = parse_definition(seed(name))
        assert other.model_dump(mode="json") == canonical.model_dump(mode="json")
        assert other == canonical
        assert other.hash == canonical.hash


def test_the_canonical_form_is_this() -> None:
    assert parse_definition(CANONICAL.read_text()).model_dump(mode="json") == {
        "id": "temperature-control",
        "name": "Temperature Control Process",
        "version": 1,
        "triggers": [{"type": "redpanda", "topic": "heatpump-telemetry", "condition": "fields.flow_temp_c > 25.0"}],
        "variables": [
            {"name": "device_id", "source": "tags.device_id"},
            {"name": "temperature", "source": "fields.flow_temp_c"},
            {"name": "threshold", "value": 25.0},
        ],
        "activities": [
            {"id": "start", "type": "start", "next": "check_temp"},
            {
                "id": "check_temp",
                "type": "decision",
                "condition": "temperature > threshold",
                "true_path": "activate_cooling",
                "false_path": "log_normal",
            },
            {
                "id": "activate_cooling",
                "type": "service",
                "action": "mqtt_publish",
                "config": {
                    "topic": "home/heatpump/control",
                    "payload": {"device_id": "${device_id}", "command": "activate_cooling"},
                },
                "next": "wait_recheck",
            },
            {"id": "wait_recheck", "type": "timer", "duration": "5m", "next": "recheck_temp"},
            {
                "id": "recheck_temp",
                "type": "decision",
                "condition": "temperature <= threshold",
                "true_path": "log_success",
                "false_path": "escalate",
            },
            {
                "id": "log_normal",
                "type": "service",
                "action": "database_log",
                "config": {"message": "Temperature normal: ${temperature}°C"},
                "next": "end",
            },
            {
                "id": "log_success",
                "type": "service",
                "action": "database_log",
                "config": {"message": "Cooling successful"},
                "next": "end",
            },
            {
                "id": "escalate",
                "type": "service",
                "action": "notify",
                "config": {"message": "Temperature still high after cooling"},
                "next": "end",
            },
            {"id": "end", "type": "end"},
        ],
    }


def test_what_falls_through_and_what_ends() -> None:
    """In the seed without ``next``, the way on is the list's, but no branch runs into the next one."""
    following = {one["id"]: one.get("next") for one in activities(seed("architecture-plan.yaml"))}
    assert following == {
        "start": "check_temp",
        "check_temp": None,
        "activate_cooling": "wait_recheck",
        "wait_recheck": "recheck_temp",
        "recheck_temp": None,
        "log_normal": "end",
        "log_success": "end",
        "escalate": "end",
        "end": None,
    }


def test_where_a_branch_ends_the_process_a_warning_says_so() -> None:
    definition, problems = check_definition(seed("architecture-plan.yaml"), "plan.yaml")
    assert definition is not None
    assert [(problem.severity, problem.path) for problem in problems] == [
        ("warning", "activities[log_normal]"),
        ("warning", "activities[log_success]"),
    ]
    assert str(problems[0]) == (
        "plan.yaml:45:5: warning: activities[log_normal]: The process ends after 'log_normal': it has no 'next', and "
        "the activity below it, 'log_success', is a branch of 'recheck_temp'\n"
        "   45 |   - id: log_normal\n"
        "      |     ^\n"
        "        Write 'next: end', or where it goes on"
    )


def test_the_definition_in_the_project_has_no_warnings() -> None:
    assert check_definition(CANONICAL.read_text())[1] == []


def test_a_loop_back_to_the_first_activity_begins_there_all_the_same() -> None:
    found = activities("""
        id: loop
        trigger: {type: api}
        variables: [{name: n, value: 1}]
        activities:
          - {id: again, type: timer, duration: 1m}
          - {id: enough, type: decision, condition: n > 5, true_path: done, false_path: again}
          - {id: done, type: end}
    """)
    assert [(one["id"], one.get("next")) for one in found] == [
        ("start", "again"),
        ("again", "enough"),
        ("enough", None),
        ("done", None),
    ]


def test_a_path_back_up_begins_no_branch() -> None:
    found = activities("""
        id: poll
        trigger: {type: api}
        variables: [{name: n, value: 1}]
        activities:
          - {id: init, type: service, action: log, message: begin}
          - {id: poll, type: timer, duration: 1m}
          - {id: enough, type: decision, condition: n > 5, true_path: done, false_path: poll}
          - {id: done, type: service, action: log, message: enough}
    """)
    following = {one["id"]: one.get("next") for one in found}
    assert following == {"start": "init", "init": "poll", "poll": "enough", "enough": None, "done": "end", "end": None}


def test_what_stands_above_an_end_falls_into_it() -> None:
    found = activities("""
        id: ends
        trigger: {type: api}
        variables: [{name: n, value: 1}]
        activities:
          - {id: enough, type: decision, condition: n > 5, true_path: good, false_path: bad}
          - {id: note, type: timer, duration: 1m, next: good}
          - {id: other, type: timer, duration: 1m}
          - {id: good, type: end}
          - {id: bad, type: end}
    """)
    assert {one["id"]: one.get("next") for one in found if one["type"] == "timer"} == {"note": "good", "other": "good"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("version: 1", "version: 1.0"),
        ("version: 1", ""),
        ("name: small", ""),
        ("trigger: {type: api}", "trigger: {type: manual}"),
        ("trigger: {type: api}", "triggers: [{type: api, mode: single}]"),
        ("trigger: {type: api}", 'trigger: {"type": "api"}'),
        ("duration: 1m", "duration: 60s"),
        ("duration: 1m", "duration: PT1M"),
        ("duration: 1m}", "duration: 1m, next: null}"),
        ("duration: 1m}", "duration: 1m, next: end}\n  - {id: end, type: end}"),
        ("activities:\n", "activities:\n  - {id: start, type: start}\n"),
        ("activities:\n", "variables:\nactivities:\n"),
    ],
)
def test_these_two_mean_the_same(one: str, other: str) -> None:
    base = "name: small\nversion: 1" + SMALL.removesuffix("\n")
    assert one in base
    assert parse_definition(base.replace(one, other)) == parse_definition(base)
    assert parse_definition(base) == parse_definition(SMALL)


@pytest.mark.parametrize(
    "trigger",
    [
        "{type: redpanda, topic: t, condition: fields.x > 1}",
        "{type: event, source: redpanda, topic: t, condition: fields.x > 1}",
        "{type: event, topic: t, condition: fields.x > 1}",
        '{type: redpanda, topic: t, condition: "${fields.x} > 1"}',
        '{type: redpanda, topic: t, condition: "${fields.x > 1}", mode: single, max_age: 10m, priority: 0}',
    ],
)
def test_these_triggers_mean_the_same(trigger: str) -> None:
    parsed = parse_definition(SMALL.replace("{type: api}", trigger)).model_dump(mode="json")
    assert parsed["triggers"] == [{"type": "redpanda", "topic": "t", "condition": "fields.x > 1"}]


def test_config_may_stand_beside_the_action_or_below_config_or_both() -> None:
    base = SMALL + "  - {id: say, type: service, action: notify, "
    nested = parse_definition(base + "config: {message: hot, channel: ops}}")
    assert parse_definition(base + "message: hot, channel: ops}") == nested
    assert parse_definition(base + "message: hot, config: {channel: ops}}") == nested


def test_json_is_yaml_and_the_canonical_form_parses_to_itself() -> None:
    definition = parse_definition(CANONICAL.read_text())
    as_json = definition.model_dump(mode="json")
    assert parse_definition(json.dumps(as_json)) == definition
    assert validate_definition(as_json) == definition
    again = ProcessDefinition.model_validate(json.loads(json.dumps(as_json)))
    assert again == definition
    assert again.hash == definition.hash


def test_quotes_blocks_and_comments_of_yaml_are_as_usual() -> None:
    definition = parse_definition("""
id: "quoted"   # a comment
name: >
  folded
  text
description: |
  two
  lines
trigger: {type: api}
variables:
  - {name: a, value: yes}
  - {name: b, value: 2026-01-05}
  - {name: c, value: 0x10}
  - {name: d, value: ~}
  - {name: e, value: &shared [1, 1.5, true, "1"]}
  - {name: f, value: *shared}
activities:
  - {id: wait, type: timer, duration: 1m}
""")
    assert (definition.id, definition.name, definition.description) == ("quoted", "folded text\n", "two\nlines\n")
    values = {one.name: one.value for one in definition.variables}
    shared = [1, 1.5, True, "1"]
    assert values == {"a": "yes", "b": "2026-01-05", "c": 16, "d": None, "e": shared, "f": shared}
