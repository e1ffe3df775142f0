"""Replay equals live: after every event, folding the log gives the very records that the table holds.

Hypothesis makes processes of this part of the language and throws commands, readings and time at them.
"""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.commands import Cancel, CompleteActivity, FailActivity, Signal, StartProcess
from streams.core.definition import ProcessDefinition
from streams.core.parse import validate_definition
from streams.core.state import Finished, Instance, Key
from tests.core.plant import Plant, fold

KEYS = ["pump-1", "pump-2"]
MESSAGES = ["go", "stop"]
TOPIC = "heatpump-telemetry"


@st.composite
def definitions(draw: st.DrawFn) -> ProcessDefinition:
    """A process of three to eight activities; ways lead forward, so that it ends, or back to a timer."""
    count = draw(st.integers(3, 8))
    activities: list[dict[str, Any]] = []
    for number in range(count):
        forward = st.sampled_from([f"a{to}" for to in range(number + 1, count)] + ["end"])
        kind = draw(st.sampled_from(["decision", "mqtt", "log", "timer", "message"]))
        one: dict[str, Any] = {"id": f"a{number}"}
        if kind == "decision":
            limit = draw(st.integers(0, 3))
            one |= {"type": "decision", "condition": f"x >= {limit}", "true_path": draw(forward)}
            one["false_path"] = draw(forward)
        elif kind == "mqtt":
            config = {"topic": "t/${device}", "payload": {"x": "${x}"}}
            one |= {"type": "service", "action": "mqtt_publish", "config": config, "output": "done"}
        elif kind == "log":
            one |= {"type": "service", "action": "database_log", "config": {"message": "x is ${x}"}}
        elif kind == "timer":
            one |= {"type": "timer", "duration": draw(st.sampled_from(["1s", "5m"]))}
        else:
            one |= {"type": "message", "name": draw(st.sampled_from(MESSAGES)), "output": {"x": "x"}}
        if kind != "decision":
            one["next"] = draw(forward)
        activities.append(one)
    return validate_definition(
        {
            "id": "made",
            "version": 1,
            "trigger": {
                "type": "redpanda",
                "topic": TOPIC,
                "condition": "fields.x > 1",
                "mode": draw(st.sampled_from(["single", "parallel"])),
            },
            "variables": [{"name": "x", "source": "fields.x", "default": 0}, {"name": "device", "value": "d"}],
            "activities": [*activities, {"id": "end", "type": "end"}],
        }
    )


keys = st.sampled_from(KEYS)
number = st.sampled_from([0, 1, 2, 2.5, 3])
moves = st.lists(
    st.one_of(
        st.tuples(st.just("start"), keys, number),
        st.tuples(st.just("observe"), keys, number),
        st.tuples(st.just("signal"), keys, st.sampled_from(MESSAGES), number),
        st.tuples(st.just("signal one"), st.integers(0, 3), st.sampled_from(MESSAGES), number),
        st.tuples(st.just("answer"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("fire"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 1000, 4_000_000])),
        st.tuples(st.just("cancel"), keys),
    ),
    min_size=1,
    max_size=25,
)


def _play(plant: Plant, move: tuple[Any, ...]) -> None:  # noqa: C901 - one case a move
    instances = sorted(plant.instances(), key=lambda state: state.id)
    match move:
        case ("start", key, x):
            plant.do(StartProcess(definition_id="made", key=key, variables={"x": x}))
        case ("observe", key, x):
            plant.observe(key, x=x)
        case ("signal", key, name, x):
            plant.do(Signal(name=name, key=key, payload={"x": x}))
        case ("signal one", at, name, x) if instances:
            plant.do(Signal(name=name, instance_id=instances[at % len(instances)].id, payload={"x": x}))
        case ("answer", at, good):
            waits = [(s, name, w) for s in instances for name, w in s.waiting.items() if w.kind == "action"]
            if waits:
                state, name, wait = waits[at % len(waits)]
                asked = {"instance_id": state.id, "activity_id": name, "execution": wait.execution}
                if good:
                    plant.do(CompleteActivity(**asked, attempt=wait.attempt, output={"sent": True}))
                else:
                    plant.do(FailActivity(**asked, attempt=wait.attempt, error_type="mqtt", error="no"))
        case ("fire", _) if plant.due():
            plant.fire_next()
        case ("wait", ms):
            plant.now += ms
        case ("cancel", key):
            plant.do(Cancel(key=key))


@settings(max_examples=150)
@given(definitions(), moves)
def test_replay_equals_live_at_every_step(definition: ProcessDefinition, story: list[tuple[Any, ...]]) -> None:
    plant = Plant(definition)
    for move in story:
        _play(plant, move)
        again = fold(plant.log)
        assert {name: again.get(name) for name in again.records} == {
            name: plant.table.get(name) for name in plant.table.records
        }
    _check_invariants(plant)


def _check_invariants(plant: Plant) -> None:
    seqs: dict[str, int] = {}
    for event in plant.log:
        assert event.seq == seqs.get(event.subject, 0) + 1
        seqs[event.subject] = event.seq
    running = {state.id for state in plant.instances() if state.status == "running"}
    assert all(state.waiting for state in plant.instances() if state.id in running), "what runs waits for something"
    by_key = {
        name
        for entity_id in plant.table.records
        if isinstance(key := plant.table.get(entity_id), Key)
        for names in key.running.values()
        for name in names
    }
    assert by_key == running
    ended = {event.subject for event in plant.log if event.type in {"completed", "cancelled"}}
    assert all(isinstance(plant.state(name), Finished) for name in ended)
    mode = plant.processes["made", 1].mode
    if mode == "single":
        keyed = [state.key for state in plant.instances() if isinstance(state, Instance) and state.status == "running"]
        assert len(keyed) == len(set(keyed))


@given(st.data())
@settings(max_examples=30)
def test_a_log_goes_through_json_unchanged(data: st.DataObject) -> None:
    plant = Plant(data.draw(definitions()))
    for move in data.draw(moves):
        _play(plant, move)
    for event in plant.log:
        assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event
