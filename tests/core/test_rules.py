"""Decision tables and transformations as a process runs them."""

from typing import Any

import pytest

from streams.core.commands import Signal
from streams.core.definition import ProcessDefinition
from streams.core.events import Event
from streams.core.parse import check_definition, parse_definition
from streams.core.state import Instance
from tests.core.plant import Plant, fold

HEAD = "id: x\ntrigger: {type: api}\nvariables: [{name: t}, {name: mode, value: auto}, {name: readings}]\nactivities:\n"
RULES = """\
  - id: fan
    type: rules
    %s
    inputs:
      doubled: t * 2
    rules:
      - {when: {t: "> 30", mode: '"auto"'}, then: {fan: high, level: 3}}
      - {name: mild, when: {doubled: "[40..60]"}, then: {fan: low, level: 1}}
      - {when: {mode: '"off"', t: 31}, then: {fan: "${mode}", level: "${doubled}"}}
  - {id: wait, type: message, name: go}
"""
WAIT = "  - {id: wait, type: message, name: go}\n"


def run(activities: str, **variables: Any) -> tuple[list[Event], Instance]:
    """What a process did before it waited or failed, and its state; replay has come to the same."""
    plant = Plant(HEAD + activities)
    instance = plant.start("x", **variables)
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert fold(plant.log).get(instance) == state
    return plant.log, state


def told(events: list[Event], event_type: str) -> list[dict[str, Any]]:
    return [event.data for event in events if event.type == event_type]


def test_the_events_say_which_rules_hit_and_what_came_of_it() -> None:
    events, state = run(RULES % "hit_policy: unique", t=25)
    assert [(event.type, event.activity_id) for event in events[1:]] == [
        ("activity_started", "fan"),
        ("rules_evaluated", "fan"),
        ("activity_completed", "fan"),
        ("variable_changed", None),
        ("variable_changed", None),
        ("activity_started", "wait"),
        ("message_awaited", "wait"),
    ]
    assert events[2].data == {
        "inputs": {"doubled": 50, "t": 25, "mode": "auto"},
        "hit_policy": "unique",
        "hits": [2],
        "used": 2,
        "result": {"fan": "low", "level": 1},
    }
    assert {name: state.variables[name] for name in ("fan", "level")} == {"fan": "low", "level": 1}


def test_hits_that_the_policy_does_not_allow_are_an_error_of_type_rules() -> None:
    rules = RULES.replace("t: 31", "t: 25") % "hit_policy: unique"
    events, state = run(rules, t=25, mode="off")
    assert told(events, "rules_evaluated") == [
        {"inputs": {"doubled": 50, "t": 25, "mode": "off"}, "hit_policy": "unique", "hits": [2, 3]}
    ]
    assert state.failure is not None
    assert state.failure.error_type == "rules"
    assert state.failure.error == (
        "x: activity fan: Expected one rule to hit (hit_policy unique), but rules 2 (mild) and 3 do"
    )


def test_no_hit_without_a_default_is_one_too() -> None:
    events, state = run(RULES % "hit_policy: unique", t=1)
    assert told(events, "rules_evaluated")[0]["hits"] == []
    assert state.failure is not None
    assert state.failure.error == (
        'x: activity fan: Expected a rule that hits, but none does: doubled is 2, t is 1, mode is "auto"'
    )


def test_outputs_read_variables_and_inputs() -> None:
    _, state = run(RULES % "hit_policy: unique", t=31, mode="off")
    assert (state.variables["fan"], state.variables["level"]) == ("off", 62)


def test_a_default_has_no_row() -> None:
    events, state = run(RULES % "default: {fan: none, level: 0}", t=1)
    assert told(events, "rules_evaluated")[0]["hits"] == []
    assert "used" not in told(events, "rules_evaluated")[0]
    assert state.variables["fan"] == "none"


def test_collect_yields_a_list_or_one_number() -> None:
    rules = RULES.replace("t: 31", "t: 25") % "hit_policy: collect\n    output: all"
    assert run(rules, t=25, mode="off")[1].variables["all"] == [
        {"fan": "low", "level": 1},
        {"fan": "off", "level": 50},
    ]
    summed = rules.replace("fan: low, ", "").replace("fan: high, ", "").replace('fan: "${mode}", ', "")
    summed = summed.replace("output: all", "output: all\n    aggregation: sum")
    events, state = run(summed, t=25, mode="off")
    assert state.variables["all"] == 51
    assert told(events, "rules_evaluated")[0]["hits"] == [2, 3]


def test_output_keeps_what_it_names() -> None:
    _, state = run(RULES % "output: {speed: fan}", t=25)
    assert state.variables["speed"] == "low"
    assert "fan" not in state.variables
    one = "  - {id: a, type: rules, output: speed, rules: [{when: {t: 1}, then: {fan: low}}]}\n"
    assert run(one + WAIT, t=1)[1].variables["speed"] == "low"


def test_a_cell_that_cannot_be_asked_fails_like_an_expression() -> None:
    _, state = run(RULES % "hit_policy: first", t=25, mode=5)
    assert state.status == "running"
    _, state = run(RULES.replace("t * 2", "mode").replace('"[40..60]"', "5") % "hit_policy: first", t="hot")
    assert state.failure is not None
    assert state.failure.error == (
        "x: activity fan: rule 1: t: Expected a number to compare with '> 30', but got \"hot\""
    )


TRANSFORM = """\
  - id: prepare
    type: transform
    set:
      mean: ${(t + 10) / 2}
      label: "Mean ${mean} °C"
      settings: {limit: "${mean + 1}", tags: [a, "${mode}"]}
    map:
      hot:
        items: readings
        as: reading
        where: reading.temp > mean
        value: {id: "${reading.id}", over: "${reading.temp - mean}"}
      ids: {items: hot, value: "${item.id}"}
      copies: {items: "[1, 2]"}
"""


def test_variables_are_made_from_others_each_seeing_those_before_it() -> None:
    readings = [{"id": "a", "temp": 31}, {"id": "b", "temp": 19}, {"id": "c", "temp": 20.5}]
    events, state = run(TRANSFORM + WAIT, t=30, readings=readings)
    made = {name: state.variables[name] for name in ("mean", "label", "settings", "hot", "ids", "copies")}
    assert made == {
        "mean": 20,
        "label": "Mean 20 °C",
        "settings": {"limit": 21, "tags": ["a", "auto"]},
        "hot": [{"id": "a", "over": 11}, {"id": "c", "over": 0.5}],
        "ids": ["a", "c"],
        "copies": [1, 2],
    }
    assert told(events, "activity_completed") == [{"execution": 1}]
    assert [data["name"] for data in told(events, "variable_changed")] == list(made)


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        (5, "hot: Expected a list from 'readings', but got 5"),
        (None, "hot: Expected a list from 'readings', but got null"),
        (
            [{"temp": [1]}],
            "hot: Expected two numbers or two texts in 'reading.temp > mean', but reading.temp is [1], mean is 20",
        ),
        ([0] * 1001, "hot: Expected at most 1,000 elements of 'readings', but got 1,001"),
    ],
)
def test_what_cannot_be_made_is_told_by_its_name(readings: Any, says: str) -> None:
    _, state = run(TRANSFORM + WAIT, t=30, readings=readings)
    assert state.failure is not None
    assert (state.failure.error_type, state.failure.error) == ("expression", f"x: activity prepare: {says}")


def test_live_variables_follow_their_source_before_a_table_or_a_transformation_reads_them() -> None:
    plant = Plant(
        "id: x\ntrigger: {type: redpanda, topic: heatpump-telemetry}\nvariables: [{name: t, source: fields.temp}]\n"
        "activities:\n"
        "  - {id: wait, type: message, name: go}\n"
        "  - {id: table, type: rules, rules: [{when: {t: '> 30'}, then: {fan: high}}]}\n"
        "  - {id: made, type: transform, set: {twice: '${t * 2}'}}\n"
        "  - {id: again, type: message, name: go}\n"
    )
    instance = plant.start("x", key="pump-1", t=1)
    plant.observe("pump-1", temp=31)
    plant.do(Signal(name="go", key="pump-1"))
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert (state.variables["fan"], state.variables["twice"]) == ("high", 62)


@pytest.mark.parametrize("text", [RULES % "hit_policy: first\n    default: {fan: off, level: 0}", TRANSFORM])
def test_the_canonical_form_reads_as_itself(text: str) -> None:
    definition = parse_definition(HEAD + text)
    written = definition.model_dump(mode="json")
    assert ProcessDefinition.model_validate(written) == definition
    assert ProcessDefinition.model_validate(written).model_dump(mode="json") == written


def test_cells_may_be_numbers_and_truths() -> None:
    rules = "{when: {t: 5, mode: true}, then: {x: 1}}, {when: {t: 1.5, mode: false}, then: {x: 2}}"
    text = f"  - {{id: a, type: rules, rules: [{rules}]}}\n"
    definition, _ = check_definition(HEAD + text)
    assert definition is not None
    assert [rule.when for rule in definition.activity("a").rules] == [  # type: ignore[attr-defined]
        {"t": "5", "mode": "true"},
        {"t": "1.5", "mode": "false"},
    ]
