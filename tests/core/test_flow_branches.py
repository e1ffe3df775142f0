"""Branches: parallel, foreach, compensation, and what becomes of the others when one fails."""

import pytest

from streams.core.commands import Retry, SetVariables
from streams.core.parse import validate_definition
from streams.core.state import Instance
from tests.core.plant import Plant, fold
from tests.core.test_flow_errors import CALL, LOG, instance, rows, started, status

BOTH = """\
  - id: both
    type: parallel
    join: %s
    branches:
      a: [{id: ta, type: timer, duration: 1m}]
      b: [{id: tb, type: timer, duration: 2m}, {id: mark, type: service, action: database_log, message: b}]
      c: {id: tc, type: message, name: go}
  - {id: after, type: service, action: database_log, message: after}
"""


def names(plant: Plant, one: str) -> list[str]:
    return list(instance(plant, one).waiting)


def test_branches_wait_side_by_side_and_are_joined() -> None:
    plant, one = started(BOTH % "2")
    assert names(plant, one) == ["ta@1.1", "tb@1.2", "tc@1.3"]
    plant.fire_next()
    assert instance(plant, one).scopes["1"].open == [2, 3]
    plant.fire_next()
    assert plant.types(one)[-7:] == [
        "activity_completed mark@1.2",
        "branch_completed both@1.2",
        "activity_cancelled tc@1.3",
        "activity_completed both",
        "activity_started after",
        "activity_completed after",
        "completed end",
    ]
    assert status(plant, one) == "completed"


def test_any_branch_is_enough_where_any_is() -> None:
    plant, one = started(BOTH % "any")
    plant.fire_next()
    assert plant.types(one).count("activity_cancelled tb@1.2") == 1
    assert status(plant, one) == "completed"


def test_all_branches_must_come_to_their_end_by_default() -> None:
    plant, one = started(BOTH % "all")
    plant.fire_next()
    plant.fire_next()
    assert names(plant, one) == ["tc@1.3"]
    assert status(plant, one) == "running"


def both(a: str, b: str, options: str = "", name: str = "both") -> str:
    """A parallel of two branches."""
    return f"{{id: {name}, type: parallel{options}, branches: {{a: {a}, b: {b}}}}}"


def test_a_branch_that_ends_at_once_may_end_them_all_before_the_others_begin() -> None:
    plant, one = started(rows(both(LOG % ("a", "a", ""), LOG % ("b", "b", ""), ", join: any")))
    assert not any(entry.endswith("b@1.2") for entry in plant.types(one))
    assert status(plant, one) == "completed"


def test_an_error_in_a_branch_goes_to_the_handler_of_its_owner_and_cancels_the_others() -> None:
    inner = both(CALL % "", "{id: ty, type: timer, duration: 1m}", name="inner")
    outer = both(inner, "{id: tb, type: timer, duration: 1h}", ", on_error: fixed, next: end")
    plant, one = started(rows(outer, LOG % ("fixed", "${error.activity} ${error.type}", "")))
    assert names(plant, one) == ["tb@1.2", "call@2.1", "ty@2.2"]
    plant.refuse(one, "call", "2.1")
    assert plant.types(one)[-9:] == [
        "activity_failed call@2.1",
        "activity_cancelled ty@2.2",
        "activity_failed inner@1.1",
        "activity_cancelled tb@1.2",
        "error_caught both",
        "variable_changed",
        "activity_started fixed",
        "activity_completed fixed",
        "completed end",
    ]
    assert plant.log[-2].message == "call mqtt"
    assert status(plant, one) == "completed"


def test_a_handler_within_a_branch_keeps_it_within() -> None:
    call = CALL % ", on_error: fix, next: end"
    plant, one = started(rows(both(f"[{call}, {LOG % ('fix', 'fixed', '')}]", "{id: tb, type: timer, duration: 1h}")))
    plant.refuse(one, "call", "1.1")
    assert names(plant, one) == ["tb@1.2"]
    plant.fire_next()
    assert status(plant, one) == "completed"


def test_a_parallel_that_takes_too_long_gives_up_its_branches() -> None:
    plant, one = started(
        rows("{id: both, type: parallel, timeout: 30s, branches: {a: {id: t, type: message, name: go}}}")
    )
    assert [event.type for event in plant.fire_next()] == ["activity_cancelled", "activity_failed", "failed"]
    assert instance(plant, one).scopes == {}
    assert status(plant, one) == "failed"


# ---- foreach

EACH = """\
  - id: each
    type: foreach
    items: rooms
    as: room
    index: i
    concurrency: %d
    activities:
      - {id: vent, type: service, action: mqtt_publish, topic: "t/${room}", payload: "${i}", output: {said: said}}
      - {id: noted, type: service, action: database_log, message: "${room} ${said}"}
    collect: said
    output: results
  - {id: after, type: service, action: database_log, message: "${results}"}
"""
ROOMS = "variables: [{name: rooms, value: [a, b, c]}]\n"


def each(text: str, rooms: object = None) -> tuple[Plant, str]:
    plant = Plant(f"id: p\nversion: 1\ntrigger: {{type: api, mode: parallel}}\n{ROOMS}activities:\n{text}")
    return plant, plant.start("p", **({} if rooms is None else {"rooms": rooms}))


def test_each_item_has_variables_of_its_own_and_so_many_run_at_once() -> None:
    plant, one = each(EACH % 2)
    assert names(plant, one) == ["vent@1.1", "vent@1.2"]
    plant.answer(one, "vent", "1.2", said="B")
    assert names(plant, one) == ["vent@1.1", "vent@1.3"]
    assert instance(plant, one).variables == {"rooms": ["a", "b", "c"]}
    assert instance(plant, one).scopes["1"].locals == {1: {"room": "a", "i": 0}, 3: {"room": "c", "i": 2}}
    plant.answer(one, "vent", "1.3", said="C")
    plant.answer(one, "vent", "1.1")
    configs = [event.data["config"] for event in plant.log if event.type == "action_requested"]
    assert [(config["topic"], config["payload"]) for config in configs] == [("t/a", 0), ("t/b", 1), ("t/c", 2)]
    failed = plant.log[-1]
    assert failed.type == "failed"
    assert "said" in failed.data["error"], "the first item has no answer to tell of"


def test_results_are_collected_in_the_order_of_the_items() -> None:
    plant, one = each(EACH % 3)
    for token, said in (("1.3", "C"), ("1.1", "A"), ("1.2", "B")):
        plant.answer(one, "vent", token, said=said)
    assert plant.log[-2].message == '["A","B","C"]'
    assert status(plant, one) == "completed"


def test_a_foreach_over_nothing_is_done_at_once() -> None:
    plant, one = each(EACH % 1, [])
    assert plant.log[-2].message == "[]"
    assert status(plant, one) == "completed"


@pytest.mark.parametrize(
    ("rooms", "says"), [(5, "Expected a list from 'rooms', but got 5"), ([1] * 1_001, "at most 1,000 items")]
)
def test_a_foreach_over_what_is_no_list_fails(rooms: object, says: str) -> None:
    plant, one = each(EACH % 1, rooms)
    assert says in plant.log[-1].data["error"]
    assert status(plant, one) == "failed"


def test_a_thousand_items_take_as_many_events_an_item_as_ten() -> None:
    log = LOG % ("a", "${item}", "")
    text = f"  - {{id: each, type: foreach, items: rooms, concurrency: 1000, activities: [{log}]}}\n"
    plant, one = each(text, list(range(1_000)))
    plant.settle()
    assert any(entry.startswith("yielded a@") for entry in plant.types(one))
    assert len([entry for entry in plant.types(one) if entry.startswith("activity_completed a")]) == 1_000
    fold(plant.log)


def test_an_item_that_fails_ends_them_all() -> None:
    plant, one = each(EACH % 3)
    plant.refuse(one, "vent", "1.2")
    assert names(plant, one) == ["vent@1.1", "vent@1.3"]
    assert status(plant, one) == "failed"


# ---- compensation

SAGA = """\
  - id: a
    type: service
    action: database_log
    message: a
    compensation: {id: undo_a, type: service, action: database_log, message: "a back"}
  - id: each
    type: foreach
    items: "[1, 2]"
    activities:
      - id: b
        type: service
        action: database_log
        message: "b ${item}"
        compensation: [{id: undo_b, type: service, action: mqtt_publish, topic: t, payload: "${item}"}]
  - {id: c, type: service, action: mqtt_publish, topic: t, payload: c, on_error: undo, next: end}
  - {id: undo, type: compensate%s}
"""


def test_what_was_done_is_undone_in_reverse() -> None:
    plant, one = started(SAGA % "")
    assert [(entry.activity_id, entry.token) for entry in instance(plant, one).compensations] == [
        ("a", None),
        ("b", None),
        ("b", None),
    ]
    plant.refuse(one, "c")
    assert names(plant, one) == ["undo_b@6.1"]
    plant.answer(one, "undo_b", "6.1")
    plant.answer(one, "undo_b", "6.2")
    undone = [event for event in plant.log if event.type == "action_requested" and event.activity_id == "undo_b"]
    assert [event.data["config"]["payload"] for event in undone] == [2, 1], "each with the item's own variables"
    assert [event.message for event in plant.log if event.activity_id == "undo_a" and event.message] == ["a back"]
    assert status(plant, one) == "completed"


def test_only_one_activity_may_be_undone() -> None:
    plant, one = started(SAGA % ", activity: a")
    plant.refuse(one, "c")
    assert not any("undo_b" in entry for entry in plant.types(one))
    assert status(plant, one) == "completed"


def test_a_compensation_that_fails_is_a_failure_of_its_own() -> None:
    plant, one = started(SAGA % "")
    plant.refuse(one, "c")
    plant.refuse(one, "undo_b", "6.1", error_type="stuck")
    state = plant.state(one)
    assert isinstance(state, Instance)
    assert state.failure is not None
    assert (state.failure.activity_id, state.failure.token, state.failure.error_type) == ("undo_b", "6.1", "stuck")
    assert [entry.activity_id for entry in state.compensations] == ["a", "b"]
    assert status(plant, one) == "failed"


def test_a_branch_undoes_what_it_has_done_itself() -> None:
    def done(name: str) -> str:
        return LOG % (name, "x", f", compensation: {LOG % (f'undo_{name}', 'x', '')}")

    plant, one = started(rows(both(f"[{done('p')}, {{id: undo, type: compensate}}]", f"[{done('q')}]")))
    assert any("activity_completed undo_p@" in entry for entry in plant.types(one))
    assert not any("undo_q" in entry for entry in plant.types(one))
    assert status(plant, one) == "completed"


def test_what_ends_a_body_early_ends_it_early_as_deployed_too() -> None:
    """A deployment brings the canonical form, which is read again: an end in the middle is no falling through."""
    plant, _ = started(
        """\
  - id: each
    type: foreach
    items: "[1, 2]"
    as: n
    activities:
      - {id: check, type: decision, condition: n > 1, true_path: third, false_path: first}
      - {id: first, type: service, action: log, config: {message: first}, next: end}
      - {id: second, type: service, action: log, config: {message: second}, next: end}
      - {id: third, type: service, action: log, config: {message: third}, next: second}
"""
    )
    definition = plant.processes["p", 1].definition
    deployed = validate_definition(definition.model_dump(mode="json"))
    assert deployed == definition
    assert deployed.hash == definition.hash
    again = Plant(deployed)
    ran = [line for line in again.types(again.start("p")) if line.startswith("activity_completed")]
    assert ran == [
        "activity_completed first@1.1",
        "activity_completed third@1.2",
        "activity_completed second@1.2",
        "activity_completed each",
    ]


def test_where_nothing_is_to_be_undone_the_process_goes_on() -> None:
    plant, one = started(
        rows(
            "{id: n, type: timer, duration: 1s, condition: x > 1, compensation: {id: w, type: timer, duration: 1s}}",
            "{id: undo, type: compensate}",
        )
    )
    assert plant.types(one)[-3:] == ["compensations_started undo", "activity_completed undo", "completed end"]
    assert status(plant, one) == "completed"


def test_branches_within_branches_are_cancelled_from_within() -> None:
    inner = both("{id: ta, type: timer, duration: 1h}", "{id: tb, type: timer, duration: 1h}", name="inner")
    plant, one = started(rows(both(inner, "{id: tc, type: timer, duration: 1m}", ", join: any")))
    plant.fire_next()
    assert plant.types(one)[-5:] == [
        "activity_cancelled ta@2.1",
        "activity_cancelled tb@2.2",
        "activity_cancelled inner@1.1",
        "activity_completed both",
        "completed end",
    ]


# ---- what waits before its activity has the number of another one

NOT_YET = "{id: rest, type: timer, duration: 1h, condition: x.y > 1}"
OF_TWO = "{id: each, type: foreach, items: '[1, 2]', concurrency: 2, activities: [%s]}"


def test_an_incident_of_a_condition_leaves_the_branches_alone_when_it_is_resolved() -> None:
    plant, one = started(rows(OF_TWO % NOT_YET), head="on_failure: incident\n")
    assert names(plant, one) == ["rest@1.1", "rest@1.2"]
    plant.do(SetVariables(instance_id=one, variables={"x": {"y": 2}}))
    plant.do(Retry(instance_id=one))
    plant.fire_next()
    plant.fire_next()
    assert status(plant, one) == "completed"


def test_an_incident_of_a_condition_leaves_the_branches_alone_when_it_is_cancelled() -> None:
    late = "{id: late, type: timer, duration: 1h}"
    plant, one = started(rows(both(late, OF_TWO % NOT_YET, ", join: 1")), head="on_failure: incident\n")
    plant.fire_next()
    assert "activity_cancelled each@1.2" in plant.types(one)
    assert status(plant, one) == "completed"
