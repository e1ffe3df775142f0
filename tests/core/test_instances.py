"""What an instance does, step by step: commands in, exact events out."""

import pytest

from streams.core.commands import Cancel, CompleteActivity, FailActivity, FireTimer, Observe, Signal, StartProcess
from streams.core.decide.signal import MAX_HELD
from streams.core.ids import instance_id
from streams.core.state import Finished, Instance, Key, key_entity
from tests.core.plant import START, Plant

COOLING = """
id: cooling
name: Cooling
version: 1
trigger: {type: redpanda, topic: heatpump-telemetry, condition: fields.flow_temp_c > 25.0}
variables:
  - {name: device_id, source: tags.device_id}
  - {name: temperature, source: fields.flow_temp_c}
  - {name: threshold, value: 25.0}
activities:
  - {id: check, type: decision, condition: temperature > threshold, true_path: cool, false_path: normal}
  - {id: cool, type: service, action: mqtt_publish, config: {topic: "plant/${device_id}", payload: {command: cool}}}
  - {id: wait, type: timer, duration: 5m}
  - {id: recheck, type: decision, condition: temperature <= threshold, true_path: cooled, false_path: escalate}
  - {id: normal, type: service, action: database_log, config: {message: "Normal: ${temperature} °C"}, next: end}
  - {id: cooled, type: service, action: database_log, config: {message: "Cooled"}, next: end}
  - {id: escalate, type: service, action: log, config: {message: "Still ${temperature} °C"}, next: end}
  - {id: end, type: end}
"""
APPROVAL = """
id: approval
name: Approval
version: 1
trigger: {type: api}
variables:
  - {name: amount, type: number, required: true}
activities:
  - {id: wait, type: message, name: decided, output: answer}
  - {id: check, type: decision, condition: answer.approved, true_path: granted, false_path: denied}
  - {id: granted, type: service, action: log, config: {message: "Granted ${amount}"}, next: end}
  - {id: denied, type: service, action: log, config: {message: "Denied by ${answer.by}"}, next: end}
  - {id: end, type: end}
"""


def _hot(plant: Plant, key: str = "pump-1", temperature: float = 31.5) -> str:
    return plant.start("cooling", key, device_id=key, temperature=temperature)


def _answer(plant: Plant, instance: str, **changes: object) -> CompleteActivity:
    fields = {"instance_id": instance, "activity_id": "cool", "execution": 2, "attempt": 1, **changes}
    return CompleteActivity(**fields)  # type: ignore[arg-type]


def test_a_hot_machine_is_cooled_and_followed_to_the_end() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    requested = plant.log[-1]
    assert requested.type == "action_requested"
    assert requested.data == {
        "action": "mqtt_publish",
        "config": requested.data["config"],
        "execution": 2,
        "max_attempts": 3,
        "attempt": 1,
        "idempotency_key": f"{instance}:cool:2",
        "not_after": "2013-12-10T06:25:30.000Z",
        "deadline": "2013-12-10T06:25:35.000Z",
    }
    assert requested.data["config"]["topic"] == "plant/pump-1"
    assert requested.data["config"]["payload"] == {"command": "cool"}
    plant.do(_answer(plant, instance), after_ms=1000)
    plant.observe("pump-1", flow_temp_c=24.0)
    plant.fire_next()
    assert plant.types(instance) == [
        "started",
        "activity_started check",
        "decision_evaluated check",
        "activity_started cool",
        "action_requested cool",
        "activity_completed cool",
        "activity_started wait",
        "timer_started wait",
        "timer_fired wait",
        "activity_started recheck",
        "variable_changed",
        "decision_evaluated recheck",
        "activity_started cooled",
        "activity_completed cooled",
        "completed end",
    ]
    assert [event.seq for event in plant.log] == list(range(1, 16))
    assert plant.log[-1].data == {"duration_ms": 301_000, "steps": 5}
    assert plant.log[-2].message == "Cooled"
    assert plant.state(instance) == Finished(1, "completed", 15, START + 301_000)
    assert set(plant.table.records) == {instance}, "the key is free again"
    assert plant.readings == {}, "nobody asks for the reading any more"


def test_a_live_variable_that_did_not_change_is_not_recorded() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.do(_answer(plant, instance))
    plant.observe("pump-1", flow_temp_c=31.5)
    plant.fire_next()
    assert "variable_changed" not in plant.types(instance)
    assert plant.log[-2].message == "Still 31.5 °C"


def test_a_reading_of_a_key_for_which_nothing_runs_is_not_kept() -> None:
    plant = Plant(COOLING)
    plant.observe("pump-9", flow_temp_c=99.0)
    assert plant.readings == {}


def test_device_7_is_not_room_7() -> None:
    by_room = COOLING.replace("id: cooling", "id: airing").replace(
        "condition: fields", "key: tags.room, condition: fields"
    )
    plant = Plant(COOLING, by_room)
    cooling, airing = _hot(plant, "7"), plant.start("airing", "7", device_id="3", temperature=30)
    for key_path, celsius in (("", 20.0), ("tags.room", 40.0)):
        reading = {"fields": {"flow_temp_c": celsius}}
        plant.do(Observe(topic="heatpump-telemetry", key="7", key_path=key_path, reading=reading))
    assert {feed.key_path for feed in plant.readings} == {"", "tags.room"}
    for instance in (cooling, airing):
        plant.do(_answer(plant, instance), after_ms=1)
    plant.fire_next()
    plant.fire_next()
    assert [event.message for event in plant.log if event.message] == ["Cooled", "Still 40 °C"]
    assert plant.readings == {}


def test_a_key_has_one_running_instance_and_is_free_after_it() -> None:
    plant = Plant(COOLING)
    first = _hot(plant)
    reason, message = plant.refused(
        StartProcess(definition_id="cooling", key="pump-1", variables={"device_id": "pump-1", "temperature": 30})
    )
    assert (reason, message) == (
        "already_running",
        f"cooling has 'mode: single', and instance {first} of key 'pump-1' is running",
    )
    other = _hot(plant, "pump-2")
    plant.do(Cancel(instance_id=first, reason="maintenance"))
    assert _hot(plant) not in {first, other}


def test_an_instance_that_fails_frees_its_key_and_stays_to_be_seen() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.do(
        FailActivity(
            instance_id=instance, activity_id="cool", execution=2, attempt=1, error_type="mqtt", error="no broker"
        )
    )
    assert plant.types(instance)[-2:] == ["activity_failed cool", "failed cool"]
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert (state.status, state.waiting) == ("failed", {})
    assert state.failure is not None
    assert (state.failure.error_type, state.failure.error, state.failure.activity_id) == ("mqtt", "no broker", "cool")
    assert _hot(plant) != instance
    plant.do(Cancel(instance_id=instance))
    assert plant.state(instance) == Finished(1, "cancelled", state.seq + 1, START)


def test_an_action_that_never_answers_fails_its_instance() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.fire_next()
    assert plant.now == START + 35_000
    assert plant.log[-1].data["error_type"] == "timeout"
    assert plant.refused(_answer(plant, instance))[0] == "not_awaited"


def test_one_answer_is_accepted() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    for stale in ({"execution": 1}, {"attempt": 2}, {"activity_id": "wait"}):
        assert plant.refused(_answer(plant, instance, **stale))[0] == "not_awaited"
    assert plant.do(_answer(plant, instance))
    assert plant.refused(_answer(plant, instance))[0] == "not_awaited"


def test_a_stale_timer_does_nothing() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.do(_answer(plant, instance))
    due, timer = plant.due()[0]
    for stale in ({"execution": 2}, {"due_ms": due + 1}, {"activity_id": "cool"}, {"instance_id": "x"}):
        fields = {name: getattr(timer, name) for name in timer.__struct_fields__} | stale
        assert plant.do(FireTimer(**fields)) == []
    assert plant.do(timer)
    assert plant.do(timer) == []


def test_time_never_runs_backwards_within_an_instance() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.do(_answer(plant, instance), after_ms=500)
    plant.do(Cancel(instance_id=instance), after_ms=-10_000)
    times = [event.time for event in plant.log]
    assert times == sorted(times)


def test_a_message_is_taken_when_it_comes() -> None:
    plant = Plant(APPROVAL)
    instance = plant.start("approval", amount=120)
    plant.do(Signal(name="decided", instance_id=instance, payload={"approved": True, "by": "shift lead"}))
    assert plant.types(instance) == [
        "started",
        "activity_started wait",
        "message_awaited wait",
        "signal_received",
        "activity_completed wait",
        "variable_changed",
        "activity_started check",
        "decision_evaluated check",
        "activity_started granted",
        "activity_completed granted",
        "completed end",
    ]
    assert plant.log[-2].message == "Granted 120"


def test_a_message_of_another_name_waits_with_the_instance() -> None:
    plant = Plant(APPROVAL)
    instance = plant.start("approval", amount=120)
    plant.do(Signal(name="hurry", instance_id=instance))
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert [held.name for held in state.signals] == ["hurry"]
    assert set(state.waiting) == {"wait"}


def test_a_signal_that_comes_before_its_start_is_kept_for_it() -> None:
    plant = Plant(APPROVAL)
    payload = {"approved": False, "by": "night shift"}
    plant.do(Signal(name="decided", key="order-7", payload=payload))
    assert plant.log[-1].subject == "key:order-7"
    instance = plant.start("approval", "order-7", amount=5)
    assert plant.log[-3].message == "Denied by night shift"
    assert [event.type for event in plant.log if event.subject == "key:order-7"] == [
        "signal_buffered",
        "signal_released",
        "key_forgotten",
    ]
    assert plant.state(instance).status == "completed"
    assert [event.seq for event in plant.log if event.subject == "key:order-7"] == [1, 2, 3]


def test_a_signal_waits_for_its_definition_and_not_for_ever() -> None:
    plant = Plant(APPROVAL, COOLING)
    plant.do(Signal(name="decided", key="pump-1", definition_id="cooling"))
    plant.do(Signal(name="decided", key="pump-1", definition_id="approval", payload={"approved": True}))
    plant.now += 3_600_000
    instance = plant.start("approval", "pump-1", amount=5)
    assert isinstance(plant.state(instance), Instance), "the signal had expired"
    assert [event.type for event in plant.log if event.subject == "key:pump-1"][2:] == [
        "signal_expired",
        "signal_expired",
    ]


def test_a_signal_goes_to_all_that_run_for_its_key() -> None:
    parallel = APPROVAL.replace("{type: api}", "{type: api, mode: parallel}")
    plant = Plant(parallel)
    first, second = plant.start("approval", "order-7", amount=1), plant.start("approval", "order-7", amount=2)
    plant.do(Signal(name="decided", key="order-7", payload={"approved": True}))
    assert plant.state(first).status == plant.state(second).status == "completed"


@pytest.mark.parametrize(
    ("changes", "reason", "told"),
    [
        ({"definition_id": "cooking"}, "unknown_definition", "No definition 'cooking' is deployed"),
        ({"definition_version": 7}, "unknown_definition", "No definition 'cooling' version 7 is deployed"),
        ({"variables": {"device_id": "x", "temperture": 1}}, "invalid_variables", "temperture"),
        ({"instance_id": instance_id(START + 301_000, 0, "x")}, "instance_id_time", "301 s away"),
        ({"instance_id": instance_id(START, 1, "x")}, "wrong_partition", "belongs to 0"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(changes: dict[str, object], reason: str, told: str) -> None:
    plant = Plant(COOLING)
    fields = {"definition_id": "cooling", "key": "k", "variables": {"device_id": "k", "temperature": 1}, **changes}
    got = plant.refused(StartProcess(**fields))  # type: ignore[arg-type]
    assert got[0] == reason
    assert told in got[1]


def test_a_callers_own_id_starts_once() -> None:
    plant = Plant(APPROVAL)
    own = instance_id(START - 1000, 0, "order 7")
    command = StartProcess(definition_id="approval", instance_id=own, variables={"amount": 1})
    assert plant.do(command)
    assert plant.refused(command) == ("already_exists", f"Instance {own} exists already, and is running")
    plant.do(Cancel(instance_id=own))
    assert plant.refused(command) == ("already_exists", f"Instance {own} exists already, and is cancelled")
    assert plant.refused(Signal(name="decided", instance_id=own))[0] == "not_running"


def test_an_expression_that_fails_at_run_time_fails_the_instance_and_names_the_place() -> None:
    plant = Plant(APPROVAL)
    instance = plant.start("approval", amount=1)
    plant.do(Signal(name="decided", instance_id=instance, payload={"aproved": True}))
    last = plant.log[-1]
    assert (last.type, last.activity_id, last.data["error_type"]) == ("failed", "check", "expression")
    assert last.message is not None
    assert "activity check" in last.message
    assert "approved" in last.message


@pytest.mark.parametrize("running", [True, False])
def test_signals_that_nobody_takes_do_not_pile_up(running: bool) -> None:
    plant = Plant(APPROVAL)
    holder = f"Instance {plant.start('approval', 'order-7', amount=1)}" if running else "Key 'order-7'"
    for _ in range(MAX_HELD):
        plant.do(Signal(name="hurry", key="order-7"))
    reason, text = plant.refused(Signal(name="hurry", key="order-7"))
    assert reason == "too_many_signals"
    assert text.startswith(f"{holder} holds {MAX_HELD} signals")


def test_a_signal_for_another_definition_stays_with_the_key() -> None:
    plant = Plant(APPROVAL, COOLING)
    plant.do(Signal(name="decided", key="pump-1", definition_id="cooling"))
    plant.do(Signal(name="decided", key="pump-1", definition_id="approval", payload={"approved": True}))
    instance = plant.start("approval", "pump-1", amount=5)
    assert plant.state(instance).status == "completed"
    key = plant.table.get(key_entity("pump-1"))
    assert isinstance(key, Key)
    assert [held.definition_id for held in key.signals] == ["cooling"]


def test_a_reading_without_the_field_leaves_a_live_variable_as_it_was() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.do(_answer(plant, instance))
    plant.observe("pump-1", other=1)
    plant.fire_next()
    assert "variable_changed" not in plant.types(instance)
    assert plant.log[-2].message == "Still 31.5 °C"


@pytest.mark.parametrize("more", ["", ", default: 1.0", ", required: true"])
def test_a_null_leaves_a_live_variable_as_it_was(more: str) -> None:
    """It is a reading without a value, not a value: neither the default nor an error comes instead of what is known."""
    plant = Plant(COOLING.replace("source: fields.flow_temp_c", f"source: fields.flow_temp_c{more}"))
    instance = _hot(plant)
    plant.do(_answer(plant, instance))
    plant.observe("pump-1", flow_temp_c=None)
    plant.fire_next()
    assert "variable_changed" not in plant.types(instance)
    assert plant.log[-2].message == "Still 31.5 °C"


def test_an_instance_whose_version_is_gone_says_so() -> None:
    plant = Plant(COOLING)
    instance = _hot(plant)
    plant.processes.clear()
    with pytest.raises(LookupError, match=f"cooling version 1 of {instance} is gone"):
        plant.do(_answer(plant, instance))
