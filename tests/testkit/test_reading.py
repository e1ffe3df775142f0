"""Files of tests that cannot be used: every problem has its place and the fix."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from streams.core.commands import TopicCommand
from streams.core.yaml_text import yaml_text
from weir.testkit.read import load
from weir.testkit.steps import COMMANDS

ENGINE = {
    *(
        "observe",
        "observe_pattern",
        "watch_keys",
        "complete_activity",
        "fail_activity",
        "set_schedule",
        "record_notice",
    ),
    *(
        "release_start",
        "request_slot",
        "return_slot",
        "refuse_wait",
        "continue",
        "subscribe",
        "unsubscribe",
        "return_message",
        "deliver",
    ),
}
DEFINITIONS = {"deploy_definition", "activate_definition", "deactivate_definition", "migrate"}
"""A plant in memory has one version of each, which is active."""


def test_a_test_may_send_every_command_that_people_send():
    known = {one.__struct_config__.tag for one in TopicCommand.__args__}
    assert known == {*COMMANDS, *ENGINE, *DEFINITIONS}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: [", "1:9: This is no YAML"),
        ("[]", "1:1: Expected tests, with 'tests:'"),
        ("{}", "1:1: Expected a field 'tests', but it is missing\n"),
        ("tests: []", "1:8: tests: Expected at least one element"),
        ("tests: [3]", "1:9: tests[0]: Expected a mapping, but got 3"),
        ("tests: [{expect: [{}]}]", "Expected a field 'name', but it is missing"),
        ("tests: [{name: a}]", "tests[a]: Expected 'expect' or 'effects': this test asks nothing\n"),
        ("tests: [{name: a, expct: [{}], expect: [{}]}]", "1:19: tests[a].expct: Unknown field 'expct'"),
        ("tests: [{name: a, expct: [{}], expect: [{}]}]", "Did you mean 'expect'?"),
        ("tests: [{name: a, expect: {}}]", "tests[a].expect: Expected a list, but got a mapping"),
        ("tests: [{name: a, expect: [{stats: failed}]}]", "Did you mean 'status'?"),
        ("tests: [{name: a, expect: [{status: compleded}]}]", "Did you mean 'completed'?"),
        ("tests: [{name: a, expect: [{path: [rset]}]}]", "1:36: tests[a].expect[0].path[0]: Unknown activity 'rset'"),
        ("tests: [{name: a, expect: [{path: [rset]}]}]", "Did you mean 'rest'?"),
        ("tests: [{name: a, expect: [{process: pmp}]}]", "Unknown process 'pmp'"),
        ("tests: [{name: a, effects: [{activity: x}]}]", "Unknown activity 'x'"),
        ("tests: [{name: a, expect: [{}], stubs: {ordr: [{error: x}]}}]", "Unknown activity or action 'ordr'"),
        ("tests: [{name: a, expect: [{}], stubs: {order: [{}]}}]", "Expected either 'output' or 'error'"),
        ("tests: [{name: a, expect: [{}], start: noon}]", "Expected an instant such as"),
        ("tests: [{name: a, expect: [{}], interval: 5}]", "Expected a duration such as"),
        ("tests: [{name: a, expect: [{at: 5x}]}]", "Expected a duration such as"),
        ("tests: [{name: a, until: 5m, expect: [{at: 6m}]}]", "Expected a time up to the test's 'until'"),
        ("tests: [{name: a, expect: [{}], input: [{topic: heat}]}]", "Unknown topic 'heat'"),
        (
            "tests:\n  - {name: a, expect: [{}],\n     input: [{topic: device-events, series: {fields.x: '1 2 hot'}}]}",
            "3:61: tests[a].input[0].series.fields.x: Expected a number, a run such as '20+1x10', '5x4', or '_'",
        ),
        ("tests: [{name: a, expect: [{}], input: [{topic: device-events, series: {x: '1'}}]}]", "input[0].series"),
        ("tests: [{name: a, expect: [{}], do: [{sginal: {name: x}}]}]", "Unknown command 'sginal'"),
        ("tests: [{name: a, expect: [{}], do: [{sginal: {name: x}}]}]", "Did you mean 'signal'?"),
        ("tests: [{name: a, expect: [{}], do: [{at: 1m}]}]", "Expected one command, but got 0"),
        ("tests: [{name: a, expect: [{}], do: [{signal: {}}]}]", "Expected a field 'name', but it is missing"),
        (
            "tests: [{name: a, expect: [{}], do: [{signal: {name: 3}}]}]",
            "do[0].signal.name: Expected 'str', but got 'int'",
        ),
        ("tests: [{name: a, expect: [{}], do: [{signal: {nme: x}}]}]", "Did you mean 'name'?"),
        ("tests: [{name: a, expect: [{}], do: [{claim_task: {activity: aks, user: m}}]}]", "Unknown activity 'aks'"),
        ("tests: [{name: a, expect: [{}], do: [{claim_task: {activity: [1], user: m}}]}]", "activity: Expected a text"),
        ("definitions: pump.yaml\ntests: [{name: a, expect: [{}]}]", "1:14: definitions: Expected a list"),
        (
            "definitions: [pump.yaml, fan.yaml]\ntests: [{name: a, expect: [{}]}]",
            "Expected 'process': there are several",
        ),
        (
            "definitions: [pump.yaml, fan.yaml]\ntests: [{name: a, effects: [{}], do: [{start_process: {}}]}]",
            "2:55: tests[a].do[0].start_process: Expected 'definition_id': there are several definitions",
        ),
        (
            "tests: [{name: a, expect: [{}], do: [{suspend: {}}]}]",
            "1:48: tests[a].do[0].suspend: Expected a field 'key', but it is missing",
        ),
        (
            "tests: [{name: a, expect: [{}], do: [{signal: {name: x, key: null}}]}]",
            "tests[a].do[0].signal.key: Expected a text, but got null",
        ),
        ("tests: [{name: a, expect: [{}], do: [stop]}]", "Expected a command such as"),
        (
            "definitions: [gone.yaml]\ntests: [{name: a, expect: [{}]}]",
            "1:15: definitions[0]: There is no file 'gone.yaml' beside pump.test.yaml",
        ),
        ("tests: [{name: a, name: b, expect: [{}]}]", "The key 'name' is there twice"),
    ],
)
def test_a_problem_has_its_place_and_the_fix(suite, text, problem):
    assert problem in "\n".join(suite(text).problems) + "\n"


def test_a_broken_definition_is_told_as_validate_tells_it(suite):
    loaded = suite("tests: [{name: a, expect: [{}]}]", "id: pump\n")
    assert any("/pump.yaml:" in one and "Expected 'trigger:'" in one for one in loaded.problems)


def test_a_file_without_a_definition_says_how_to_name_one(suite, tmp_path, topics):
    (tmp_path / "tap.test.yaml").write_text("tests: [{name: a, expect: [{}]}]")
    (problem,) = load(tmp_path / "tap.test.yaml", topics).problems
    assert "there is no tap.yaml" in problem
    assert "definitions: [x.yaml]" in problem


WHOLE = {
    "definitions": ["pump.yaml"],
    "tests": [
        {
            "name": "a",
            "start": "2026-03-02T04:00:00Z",
            "interval": "1m",
            "input": [
                {"topic": "device-events", "tags": {"a": "b"}, "series": {"fields.x": "1+1x3", "fields.y": ["a"]}}
            ],
            "do": [
                {"at": "1m", "complete_task": {"activity": "ask", "user": "mia", "answers": {"x": 1}}, "refused": "x"},
                {"start_process": {"key": "k", "variables": {"temp": 1}}},
            ],
            "stubs": {"ask": [{"error": "x", "retryable": True}, {"output": {"y": 1}}]},
            "until": "5m",
            "expect": [{"at": "2m", "key": "k", "path": ["ask"], "variables": {"n": 1}, "messages": ["m"], "count": 1}],
            "effects": [{"action": "notify", "config": {"topic": "x"}, "outcome": "completed"}],
        }
    ],
}


def _places(data: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield from _places(value, (*place, step))


def _changed(data: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy = data.copy()
    copy[place[0]] = _changed(data[place[0]], place[1:], value)
    return copy


ANYTHING = [None, 3, "x", [], [[1]], {"x": 1}]
TINY = "id: pump\nname: P\ntrigger: {type: api}\nversion: 1\nactivities: [{id: ask, type: timer, duration: 1s}]\n"


@pytest.mark.parametrize("place", list(_places(WHOLE)), ids=str)
def test_anything_anywhere_is_read_or_refused_with_its_place(suite, place):
    assert suite(yaml_text(WHOLE), TINY).problems == []
    for value in ANYTHING:
        for problem in suite(yaml_text(_changed(WHOLE, place, value)), TINY).problems:
            assert re.search(r"pump\.(test\.)?yaml:\d+:\d+: ", problem)
