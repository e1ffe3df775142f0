"""What operators do to an instance: it stands still and loses nothing, is corrected, goes on, changes its version."""

from collections.abc import Callable
from typing import Any

import pytest

from streams.core.commands import (
    AnyCommand,
    Cancel,
    CompleteActivity,
    Continue,
    FailActivity,
    Migrate,
    Resume,
    Retry,
    SetVariables,
    Signal,
    StartProcess,
    Suspend,
)
from streams.core.state import Instance
from streams.core.turn import Overlay, Turn
from tests.core.plant import Plant

PUMP = """
id: pump
version: 1
trigger: {type: api}
variables:
  - {name: speed, type: number, value: 5}
  - {name: answer}
activities:
  - {id: run, type: service, action: mqtt_publish, config: {topic: pump, payload: {speed: "${speed}"}}}
  - {id: rest, type: timer, duration: 5m}
  - {id: check, type: decision, condition: 10 / speed > 1, true_path: ask, false_path: end}
  - {id: ask, type: message, name: decided, output: answer}
  - {id: end, type: end}
"""

NEWER = PUMP.replace("version: 1", "version: 2")

INCIDENT = """
id: incident
version: 1
trigger: {type: api}
on_failure: incident
activities:
  - id: both
    type: parallel
    branches:
      one: [{id: call, type: service, action: mqtt_publish, config: {topic: pump, payload: 1}}]
      two: [{id: rest, type: timer, duration: 5m}]
"""

ASKED = """
id: asked
version: 1
trigger: {type: api}
activities:
  - {id: ask, type: message, name: decided, output: answer}
  - {id: again, type: message, name: "decided again"}
"""


def _running(plant: Plant, key: str | None = "pump-1", **variables: Any) -> str:
    return plant.start("pump", key, **variables)


def _state(plant: Plant, instance: str) -> Instance:
    state = plant.state(instance)
    assert isinstance(state, Instance)
    return state


def _waits(plant: Plant) -> list[int]:
    """When the waits are due; not the process."""
    return [at for at, timer in plant.due() if timer.purpose == "wait"]


def _answer(instance: str, execution: int = 1, **output: Any) -> CompleteActivity:
    return CompleteActivity(instance_id=instance, activity_id="run", execution=execution, attempt=1, output=output)


def test_an_answer_that_comes_while_the_instance_is_suspended_counts_when_it_goes_on() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(Suspend(instance_id=instance, reason="maintenance"))
    assert plant.due() == []
    assert [event.type for event in plant.do(_answer(instance))] == ["input_held"]
    plant.do(Resume(instance_id=instance), after_ms=3_600_000)
    plant.settle()
    assert plant.types(instance)[-5:] == [
        "input_held run",
        "resumed",
        "activity_completed run",
        "activity_started rest",
        "timer_started rest",
    ]


def test_an_answer_that_is_held_is_nobody_elses_when_the_instance_is_cancelled() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(Suspend(instance_id=instance))
    plant.do(_answer(instance))
    plant.do(Cancel(instance_id=instance))
    plant.settle()
    assert plant.types(instance)[-1] == "cancelled"
    assert plant.mailboxes() == []


def test_the_deadline_of_an_answer_that_is_held_does_not_come() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(Suspend(instance_id=instance))
    plant.do(_answer(instance))
    plant.do(Resume(instance_id=instance), after_ms=3_600_000)
    assert _waits(plant) == []


def test_a_second_answer_to_what_is_held_is_refused() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(Suspend(instance_id=instance))
    plant.do(_answer(instance))
    assert plant.refused(_answer(instance))[0] == "not_awaited"
    assert plant.refused(_answer(instance, execution=7))[0] == "not_awaited"


@pytest.mark.parametrize(("timers", "late_ms"), [("fire", 0), ("shift", 60_000)])
def test_timers_that_came_due_meanwhile_fire_at_once_or_shift(timers: Any, late_ms: int) -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(_answer(instance))
    due = plant.due()[0][0]
    plant.do(Suspend(instance_id=instance), after_ms=1000)
    plant.do(Resume(instance_id=instance, timers=timers), after_ms=60_000)
    assert _waits(plant) == [due + late_ms]


def test_the_definition_says_what_becomes_of_timers_where_the_command_does_not() -> None:
    plant = Plant(PUMP.replace("version: 1", "version: 1\non_resume: shift"))
    instance = _running(plant)
    plant.do(_answer(instance))
    due = plant.due()[0][0]
    plant.do(Suspend(instance_id=instance))
    plant.do(Resume(instance_id=instance), after_ms=500)
    assert plant.due()[0][0] == due + 500


def test_a_signal_that_comes_while_the_instance_is_suspended_is_taken_when_it_goes_on() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(_answer(instance))
    plant.fire_next()
    plant.do(Suspend(key="pump-1"))
    plant.do(Signal(name="decided", key="pump-1", payload={"by": "anna"}))
    assert plant.types(instance)[-1] == "signal_received"
    plant.do(Resume(key="pump-1"))
    assert plant.types(instance)[-4:] == ["resumed", "activity_completed ask", "variable_changed", "completed end"]


def test_a_suspended_instance_keeps_its_key() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(Suspend(instance_id=instance))
    assert plant.refused(StartProcess(definition_id="pump", key="pump-1"))[0] == "already_running"


def test_only_what_runs_is_suspended_and_only_what_is_suspended_resumed() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    assert plant.refused(Resume(instance_id=instance)) == (
        "not_running",
        f"Cannot resume instance {instance}: it is running",
    )
    plant.do(Suspend(instance_id=instance))
    assert plant.refused(Suspend(instance_id=instance))[1] == f"Cannot suspend instance {instance}: it is suspended"
    assert plant.refused(Suspend(key="pump-1"))[1] == "Cannot suspend: no instance is running for key 'pump-1'"
    assert plant.do(Cancel(instance_id=instance))[-1].type == "cancelled"


def test_a_failed_instance_is_corrected_and_goes_on_where_it_failed() -> None:
    plant = Plant(PUMP)
    instance = _running(plant, speed=0)
    plant.do(_answer(instance))
    plant.fire_next()
    failure = _state(plant, instance).failure
    assert failure is not None
    assert failure.activity_id == "check"
    plant.do(SetVariables(instance_id=instance, variables={"speed": 4}, reason="typed wrong"))
    assert plant.log[-1].message == "typed wrong"
    plant.do(Retry(instance_id=instance))
    assert plant.types(instance)[-5:] == [
        "retried check",
        "activity_started check",
        "decision_evaluated check",
        "activity_started ask",
        "message_awaited ask",
    ]
    state = _state(plant, instance)
    assert (state.status, state.failure) == ("running", None)
    assert plant.refused(StartProcess(definition_id="pump", key="pump-1"))[0] == "already_running"


def test_an_instance_is_not_retried_while_another_runs_for_its_key() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(
        FailActivity(instance_id=instance, activity_id="run", execution=1, attempt=1, error_type="refused", error="No")
    )
    other = _running(plant)
    reason, message = plant.refused(Retry(instance_id=instance))
    assert reason == "already_running"
    assert other in message
    plant.do(Cancel(instance_id=other))
    assert plant.do(Retry(instance_id=instance))[-1].type == "action_requested"


def test_a_running_instance_is_not_retried() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    text = f"Cannot retry instance {instance}: it has no incident"
    assert plant.refused(Retry(instance_id=instance)) == ("nothing_to_retry", text)


def test_incidents_are_resolved_and_their_tokens_go_on() -> None:
    plant = Plant(INCIDENT)
    instance = plant.start("incident", None)
    plant.refuse(instance, "call", "1.1")
    plant.do(Suspend(instance_id=instance))
    assert plant.refused(Retry(instance_id=instance))[1].endswith("it is suspended")
    plant.do(Resume(instance_id=instance))
    plant.do(Retry(instance_id=instance, reason="the broker is back"))
    assert plant.types(instance)[-3:] == [
        "incident_resolved call@1.1",
        "activity_started call@1.1",
        "action_requested call@1.1",
    ]
    plant.answer(instance, "call", "1.1")
    plant.fire_next()
    assert plant.state(instance).status == "completed"


def test_variables_are_set_only_as_the_definition_wants_them() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)

    def refused(**variables: Any) -> tuple[str, str]:
        return plant.refused(SetVariables(instance_id=instance, variables=variables))

    assert refused(speed="fast") == (
        "invalid_variables",
        "pump: Expected variable 'speed' to be of type number, but got 'fast'",
    )
    assert refused(sped=1) == ("invalid_variables", "pump: Unknown variable 'sped'. Did you mean 'speed'?")
    assert refused(speed=5) == ("unchanged", f"Instance {instance} has these values already")


@pytest.mark.parametrize(
    ("command", "verb"),
    [
        (lambda one: Retry(instance_id=one), "retry"),
        (lambda one: SetVariables(instance_id=one, variables={"speed": 1}), "set variables of"),
        (lambda one: Migrate(instance_id=one, version=2), "migrate"),
        (lambda one: Continue(instance_id=one), "continue"),
        (lambda one: Signal(name="decided", instance_id=one), "signal"),
    ],
)
def test_nothing_becomes_of_an_instance_that_has_ended(command: Callable[[str], AnyCommand], verb: str) -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.add(NEWER)
    plant.do(Cancel(instance_id=instance))
    assert plant.refused(command(instance)) == ("not_running", f"Cannot {verb} instance {instance}: it is cancelled")


def test_only_what_has_more_to_do_is_continued() -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    text = f"Instance {instance} has nothing to continue"
    assert plant.refused(Continue(instance_id=instance)) == ("not_awaited", text)


def test_a_variable_that_only_activities_set_is_corrected_too() -> None:
    plant = Plant(ASKED)
    instance = plant.start("asked")
    plant.do(Signal(name="decided", instance_id=instance, payload={"by": "anna"}))
    plant.do(SetVariables(instance_id=instance, variables={"answer": {"by": "ben"}}))
    assert _state(plant, instance).variables == {"answer": {"by": "ben"}}


def test_an_instance_that_failed_before_any_activity_is_not_retried() -> None:
    """As those that failed before there were branches are in a log, where their first command was too much."""
    plant = Plant(PUMP)
    instance = _running(plant)
    turn = Turn(plant.around, Overlay(plant.table.get), plant.now, 7)
    state = turn.instance(instance)
    assert state is not None
    turn.emit(state, "failed", {"error_type": "internal", "error": "No"})
    for name, entity in turn.entities.changed.items():
        plant.table.put(name, entity)
    assert plant.refused(Retry(instance_id=instance)) == (
        "nothing_to_retry",
        f"Cannot retry instance {instance}: it failed at no activity that it could go on from. Start it anew",
    )


@pytest.mark.parametrize(
    ("old", "new"), [({"on": 1}, {"on": True}), ([False], [0]), ({"a": [{"b": 1}]}, {"a": [{"b": 1.0}]}), (1, True)]
)
def test_a_value_that_is_other_json_is_another_one(old: Any, new: Any) -> None:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.do(SetVariables(instance_id=instance, variables={"answer": old}))
    plant.do(SetVariables(instance_id=instance, variables={"answer": new}))
    assert repr(_state(plant, instance).variables["answer"]) == repr(new)
    assert plant.refused(SetVariables(instance_id=instance, variables={"answer": new}))[0] == "unchanged"
