"""What a test does, and what it says when something is not as it expects."""

import pytest

from weir.testkit.run import run

HOT = "input: [{topic: heatpump-telemetry, tags: {device_id: p1}, series: {fields.temp: '35'}}]\n"
HOTTER = HOT.replace("35", "45")
START = "start_process: {key: p1, variables: {temp: 35}}"
SET = f"do: [{{{START}}}, {{set_variables: {{key: p1, variables: {{temp: 9}}}}}}]\n"
ASKED = f"do: [{{{START}}}, {{at: 11m, %s}}]\nexpect: [{{status: completed}}]"


@pytest.mark.parametrize(
    "text",
    [
        "expect: [{count: 0}]",
        HOT.replace("35", "20x9 _ 30") + "expect: [{count: 0}]",
        HOT + "expect: [{process: pump, key: p1, status: running, path: [hot, rest], variables: {temp: 35}}]",
        HOT + "until: 10m\nexpect: [{path: [hot, rest, ask]}, {at: 9m, path: [hot, rest]}]",
        HOTTER + "expect: [{status: completed}]\neffects: [{action: mqtt_publish, config: {payload: {temp: 45}}}]",
        HOTTER + "stubs: {order: [{output: {number: 7}}]}\nexpect: [{variables: {number: 7}}]",
        HOTTER + "stubs: {mqtt_publish: [{error: broken}]}\nexpect: [{path: [hot, order, rest]}]\n"
        "effects: [{activity: order, key: p1, outcome: broken}, {activity: order, count: 0}]",
        HOTTER + "stubs: {order: [{error: jammed, message: no ink}]}\nexpect: [{status: failed, messages: [no ink]}]",
        ASKED % "complete_task: {activity: ask, key: p1, user: mia, outcome: 'yes'}",
        f"do: [{{{START}}}, {{at: 1m, {START}, refused: already_running}}]\nexpect: [{{key: p1}}]",
        f"do: [{{{START}}}, {{at: 1m, cancel: {{key: p1}}}}]\nexpect: [{{status: cancelled}}]",
        SET + "expect: [{variables: {temp: 9}}]",
        f"start: 2026-03-29T00:30:00Z\ndo: [{{{START}}}]\nuntil: 10m\nexpect: [{{path: [hot, rest, ask]}}]",
    ],
)
def test_what_is_as_expected_passes(failures, text):
    assert failures(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HOT + "expect: [{count: 0}]",
         "4:14: Expected 0 instances of pump like this, but got 1 of 1\n    pump, key p1, running, took hot → rest"),
        (HOT + "expect: [{status: completed}]", "status: expected completed, got running"),
        (HOT + "expect: [{path: [hot]}]", "key p1, running, took hot → rest\n      path: expected hot"),
        (HOT + "expect: [{variables: {temp: 36}}]", "variables.temp: expected 36, got 35"),
        (HOT + "expect: [{variables: {tmp: 36}}]", "variables.tmp: expected 36, got nothing"),
        (HOT + "expect: [{variables: {temp: true}}]", "variables.temp: expected True, got 35"),
        (HOT + "expect: [{messages: [hello]}]", "messages: expected 'hello', got []"),
        (HOT + "expect: [{key: p2}]", "Expected 1 instance of pump with key p2 like this, but got 0 of 0"),
        (HOTTER + "effects: [{action: notify}]",
         "Expected 1 action like this, but got 0 of 0\n    pump, key p1, completed"),
        (HOTTER + "effects: [{activity: order, config: {topic: x}}]", "config.topic: expected 'x', got 'orders/p1'"),
        (HOTTER + "effects: [{activity: order, outcome: broken}]", "outcome: expected broken, got completed"),
        (HOTTER + "effects: [{activity: order, count: 2}]", "Expected 2 actions like this, but got 1 of 1"),
        (f"do: [{{{START}}}, {{at: 1m, {START}}}]\nexpect: [{{key: p1}}]",
         "Expected start_process to be taken, but it was refused: already_running: "),
        (f"do: [{{{START}, refused: already_running}}]\nexpect: [{{key: p1}}]",
         "Expected start_process to be refused as already_running, but it was taken"),
        (f"do: [{{{START}}}, {{claim_task: {{activity: ask, user: mia}}}}]\nexpect: [{{}}]",
         "Expected a task of ask, but there is none.\n    pump, key p1, running, took hot → rest"),
        ("do: [{retry: {key: p1}}]\nexpect: [{count: 0}]",
         "Expected an instance of some process, but there is none.\n    nothing has started"),
    ],
)  # fmt: skip
def test_a_failure_says_what_was_expected_and_what_happened(failures, text, message):
    (failure,) = failures(text)
    assert message in failure
    assert failure.startswith("pump.test.yaml:")


def test_readings_come_before_commands_and_both_before_what_is_expected(failures):
    text = (
        "input: [{topic: heatpump-telemetry, at: 1m, tags: {device_id: p1}, fields: {temp: 35}}]\n"
        "do: [{at: 1m, cancel: {key: p1}}]\nexpect: [{at: 1m, status: cancelled}]"
    )
    assert failures(text) == []


def test_scripts_are_run_in_their_sandbox(suite, topics):
    definition = """\
id: pump
name: Pump
version: 1
trigger: {type: api}
variables: [{name: sum, value: 0}]
activities:
  - {id: add, type: service, action: script, config: {source: "output = {'sum': 1 + 1}"}, output: {sum: sum}}
  - {id: end, type: end}
"""
    loaded = suite("tests: [{name: it, do: [{start_process: {}}], expect: [{variables: {sum: 2}}]}]", definition)
    assert loaded.problems == []
    assert run(loaded, 0, topics, confined=True).failures == []
