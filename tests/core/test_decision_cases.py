"""A decision with several ways: the first case that holds, or the default."""

import pytest

from streams.core.commands import Signal
from streams.core.definition import ProcessDefinition
from streams.core.parse import parse_definition
from streams.core.state import Instance
from tests.core.plant import Plant, fold

ROUTE = """
id: route
trigger: {type: api}
variables: [{name: t}, {name: mode, value: auto}]
activities:
  - id: check
    type: decision
    cases:
      - {when: t > 30, next: hot}
      - {when: t > 20 && mode == "auto", next: warm}
      - {when: t > 25, next: check_again}
    default: cold
  - {id: hot, type: message, name: go}
  - {id: warm, type: message, name: go}
  - {id: check_again, type: message, name: go, next: check}
  - {id: cold, type: message, name: go}
"""


@pytest.mark.parametrize(
    ("t", "mode", "told"),
    [
        (31, "auto", {"condition": "t > 30", "result": True, "path": "hot", "case": 1}),
        (21, "auto", {"condition": 't > 20 && mode == "auto"', "result": True, "path": "warm", "case": 2}),
        (26, "off", {"condition": "t > 25", "result": True, "path": "check_again", "case": 3}),
        (21, "off", {"condition": "default", "result": True, "path": "cold"}),
    ],
)
def test_the_first_case_that_holds_says_where_it_goes(t: int, mode: str, told: dict[str, object]) -> None:
    plant = Plant(ROUTE)
    instance = plant.start("route", t=t, mode=mode)
    [decided] = [event for event in plant.log if event.type == "decision_evaluated"]
    assert (decided.activity_id, decided.data) == ("check", told)
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert list(state.waiting) == [told["path"]]
    assert fold(plant.log).get(instance) == state


def test_a_case_that_cannot_be_evaluated_fails_the_activity() -> None:
    plant = Plant(ROUTE)
    state = plant.state(plant.start("route", t="hot"))
    assert isinstance(state, Instance)
    assert state.failure is not None
    assert state.failure.error == (
        "route: activity check: Expected two numbers or two texts in 't > 30', but t is \"hot\""
    )


def test_a_case_reads_live_variables_as_they_are_then() -> None:
    live = ROUTE.replace("{type: api}", "{type: redpanda, topic: heatpump-telemetry}")
    plant = Plant(live.replace("{name: t}", "{name: t, source: fields.t}"))
    instance = plant.start("route", key="pump-1", t=26, mode="off")
    plant.observe("pump-1", t=40)
    plant.do(Signal(name="go", key="pump-1"))
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert list(state.waiting) == ["hot"]


def test_nothing_falls_into_a_case_from_above() -> None:
    ways = {one.id: dict(one.ways()) for one in parse_definition(ROUTE).activities}
    assert ways["hot"] == ways["warm"] == {("next",): "end"}
    assert ways["check"] == {
        ("cases", 0, "next"): "hot",
        ("cases", 1, "next"): "warm",
        ("cases", 2, "next"): "check_again",
        ("default",): "cold",
    }


def test_the_canonical_form_reads_as_itself() -> None:
    definition = parse_definition(ROUTE)
    written = definition.model_dump(mode="json")
    assert ProcessDefinition.model_validate(written) == definition
    assert written["activities"][1]["cases"][0] == {"when": "t > 30", "next": "hot"}
