"""Processes within processes: what goes in, what comes out, errors that come up, cancelling that goes down."""

import pytest

from streams.core.commands import Cancel, Retry, Signal, StartProcess
from streams.core.decide import home_of
from streams.core.ids import partition_for, partition_of
from streams.core.parse import parse_definition
from streams.core.state import Finished, Instance
from tests.core.plant import Plant

PARENT = """
id: parent
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, value: 2}, {name: total}]
activities:
  - {id: call, type: subprocess, process: child, input: {n: "${n + 1}"}, output: {total: result}, on_error: told}
  - {id: done, type: service, action: log, config: {message: "Total ${total}"}, next: end}
  - {id: told, type: service, action: log, config: {message: "Failed: ${error.type}"}, next: end}
  - {id: end, type: end}
"""
CHILD = """
id: child
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, type: number, required: true}, {name: result}]
activities:
  - {id: wait, type: message, name: go, output: {result: value}}
  - {id: check, type: decision, condition: n / result > 0, true_path: end, false_path: end}
  - {id: end, type: end}
"""


def _parent(plant: Plant, key: str | None = "pump-1") -> tuple[str, str]:
    """(parent, child)"""
    parent = plant.start("parent", key)
    plant.settle()
    child = plant.state(parent)
    assert isinstance(child, Instance)
    found = child.waiting["call"].name
    assert found is not None
    return parent, found


def test_a_child_gets_its_input_and_gives_its_output() -> None:
    plant = Plant(PARENT, CHILD)
    parent, child = _parent(plant)
    state = plant.state(child)
    assert isinstance(state, Instance)
    assert (state.key, state.variables["n"]) == ("pump-1", 3)
    plant.do(Signal(name="go", instance_id=child, payload={"value": 7}))
    plant.settle()
    assert isinstance(plant.state(parent), Finished)
    assert plant.log[-2].message == "Total 7"


def test_an_error_of_the_child_comes_up() -> None:
    plant = Plant(PARENT, CHILD)
    parent, child = _parent(plant)
    plant.do(Signal(name="go", instance_id=child, payload={"value": 0}))
    plant.settle()
    assert plant.state(child).status == "failed"
    assert plant.log[-2].message == "Failed: expression"
    assert plant.state(parent).status == "completed"


def test_a_child_that_is_cancelled_is_an_error() -> None:
    plant = Plant(PARENT, CHILD)
    _, child = _parent(plant)
    plant.do(Cancel(instance_id=child))
    plant.settle()
    assert plant.log[-2].message == "Failed: cancelled"


def test_a_child_that_cannot_start_is_an_error() -> None:
    plant = Plant(PARENT)
    parent = plant.start("parent", "pump-1")
    plant.settle()
    assert plant.state(parent).status == "completed"
    assert plant.log[-2].message == "Failed: unknown_definition"


def test_cancelling_goes_down() -> None:
    plant = Plant(PARENT, CHILD)
    parent, child = _parent(plant)
    plant.do(Cancel(instance_id=parent))
    plant.settle()
    assert plant.state(child).status == "cancelled"
    assert plant.log[-1].subject == child


def test_a_child_that_goes_on_after_all_tells_nobody() -> None:
    plant = Plant(PARENT, CHILD)
    _, child = _parent(plant)
    plant.do(Signal(name="go", instance_id=child, payload={"value": 0}))
    plant.settle()
    plant.do(Retry(instance_id=child))
    plant.settle()
    assert plant.state(child).status == "failed"


def test_a_child_that_nobody_waits_for_lives_on_its_own() -> None:
    plant = Plant(
        PARENT.replace("process: child,", "process: child, wait: false,").replace(
            "total: result", "total: instance_id"
        ),
        CHILD,
    )
    parent = plant.start("parent", "pump-1")
    plant.settle()
    assert isinstance(plant.state(parent), Finished)
    (child,) = plant.instances()
    plant.do(Signal(name="go", instance_id=child.id, payload={"value": 1}))
    plant.settle()
    assert plant.state(child.id).status == "completed"


def test_a_child_may_have_another_key_and_so_another_partition() -> None:
    text = PARENT.replace("process: child,", 'process: child, key: "pump-${n}",')
    plant = Plant(text, CHILD, partitions=8, partition=3)
    plant.do(StartProcess(definition_id="parent"))
    (start,) = plant.follow_ups
    assert isinstance(start, StartProcess)
    assert start.instance_id is not None
    assert start.key == "pump-2"
    assert partition_of(start.instance_id) == partition_for("pump-2", 8) == home_of(start, 8)


def test_a_child_may_be_of_one_version() -> None:
    newer = CHILD.replace("version: 1", "version: 2")
    plant = Plant(PARENT.replace("process: child,", "process: child, version: 1,"), CHILD, newer)
    _, child = _parent(plant)
    state = plant.state(child)
    assert isinstance(state, Instance)
    assert state.definition_version == 1


def test_a_process_that_starts_itself_comes_to_an_end() -> None:
    endless = PARENT.replace("process: child,", "process: parent,").replace("{total: result}", "{total: n}")
    plant = Plant(endless)
    plant.start("parent", None)
    plant.settle()
    assert plant.instances() == []
    assert "too_deep" in {event.data.get("error_type") for event in plant.log}


def test_a_definition_tells_which_others_it_starts() -> None:
    assert [one.starts() for one in parse_definition(PARENT).all_activities()] == [(), ("child",), (), (), ()]


@pytest.mark.parametrize("key", ["", "k" * 513])
def test_a_key_that_is_none_is_an_error_and_not_a_child_without_one(key: str) -> None:
    text = PARENT.replace("process: child, input: {n:", "process: child, key: '${total}', input: {n:")
    plant = Plant(text, CHILD)
    parent = plant.start("parent", "pump-1", total=key)
    plant.settle()
    assert not any(event.type == "subprocess_requested" for event in plant.log)
    caught = next(event for event in plant.log if event.type == "error_caught")
    assert (caught.data["error_type"], caught.subject) == ("expression", parent)
    assert "key: Expected a text of 1 to 512 characters" in caught.data["error"]


def test_a_parent_gets_to_know_of_an_error_however_long_it_is() -> None:
    """A command that is too long to be read is a dead letter, and the parent would wait for ever."""
    needs = ", ".join(f"{{name: a_rather_long_name_of_a_variable_{number}, required: true}}" for number in range(60))
    plant = Plant(PARENT, CHILD.replace("{name: result}", f"{{name: result}}, {needs}"))
    parent = plant.start("parent", "pump-1")
    plant.settle()
    assert isinstance(plant.state(parent), Finished)
    caught = next(event for event in plant.log if event.type == "error_caught")
    assert (caught.data["error_type"], len(caught.data["error"])) == ("invalid_variables", 4000)


def test_an_error_does_not_repeat_a_long_value() -> None:
    child = CHILD.replace(
        "{id: wait, type: message, name: go, output: {result: value}}", "{id: wait, type: timer, duration: '${result}'}"
    )
    plant = Plant(child)
    failed = plant.state(plant.start("child", n=3, result="x" * 5000))
    assert isinstance(failed, Instance)
    assert failed.failure is not None
    assert len(failed.failure.error) < 400
