"""Replay equals live: after every event, folding the log gives the very records that the table holds.

Hypothesis makes processes of this part of the language and throws commands, readings and time at them.
"""

import itertools
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.commands import Cancel, Signal, StartProcess
from streams.core.definition import ProcessDefinition
from streams.core.parse import validate_definition
from streams.core.places import branch_token, place_of, split_place
from streams.core.state import Finished, Instance, Key
from tests.core.plant import Plant, check_seq, fold

KEYS = ["pump-1", "pump-2"]
MESSAGES = ["go", "stop"]
TOPIC = "heatpump-telemetry"


HANDLED = ("mqtt", "timeout", "expression", "default")
MAX_NESTING = 2


@st.composite
def definitions(draw: st.DrawFn) -> ProcessDefinition:
    """A process of three to eight activities, some with others within; ways lead forward, so that it ends."""
    count = draw(st.integers(3, 8))
    numbers = itertools.count()
    return validate_definition(
        {
            "id": "made",
            "version": 1,
            "timeout": draw(st.sampled_from(["30d", "2h"])),
            "on_failure": draw(st.sampled_from(["fail", "incident"])),
            "trigger": {
                "type": "redpanda",
                "topic": TOPIC,
                "condition": "fields.x > 1",
                "mode": draw(st.sampled_from(["single", "parallel"])),
            },
            "variables": [
                {"name": "x", "source": "fields.x", "default": 0},
                {"name": "device", "value": "d"},
                {"name": "items", "value": [1, 2, 3]},
            ],
            "activities": [*draw(bodies(count, numbers)), {"id": "end", "type": "end"}],
        }
    )


@st.composite
def bodies(draw: st.DrawFn, count: int, numbers: "itertools.count[int]", depth: int = 0) -> list[dict[str, Any]]:
    """So many activities that follow one another."""
    names = [f"a{next(numbers)}" for _ in range(count)]
    return [draw(activities(name, names[at + 1 :], numbers, depth)) for at, name in enumerate(names)]


@st.composite
def activities(
    draw: st.DrawFn, name: str, behind: list[str], numbers: "itertools.count[int]", depth: int
) -> dict[str, Any]:
    """One, whose ways lead to those behind it, or to the end."""
    forward = st.sampled_from([*behind, "end"])
    kinds = ["decision", "mqtt", "log", "timer", "message", "compensate"]
    kind = draw(st.sampled_from(kinds if depth == MAX_NESTING else [*kinds, "parallel", "foreach"]))
    one: dict[str, Any] = {"id": name, "type": kind}
    inner = st.integers(1, 3).flatmap(lambda count: bodies(count, numbers, depth + 1))
    if kind == "decision":
        limit = draw(st.integers(0, 3))
        return one | {"condition": f"x >= {limit}", "true_path": draw(forward), "false_path": draw(forward)}
    if kind == "mqtt":
        config = {"topic": "t/${device}", "payload": {"x": "${x}"}}
        one |= {"type": "service", "action": "mqtt_publish", "config": config, "output": "done"}
        one["retry"] = draw(st.sampled_from(["none", {"max_attempts": 2, "initial_interval": "1s"}]))
    elif kind == "log":
        one |= {"type": "service", "action": "database_log", "config": {"message": "x is ${x}"}}
    elif kind == "timer":
        one["duration"] = draw(st.sampled_from(["1s", "5m"]))
    elif kind == "message":
        one |= {"name": draw(st.sampled_from(MESSAGES)), "output": {"x": "x"}}
    elif kind == "parallel":
        branches = draw(st.lists(inner, min_size=1, max_size=3))
        one |= {"branches": branches, "join": draw(st.sampled_from(["all", "any"]))}
    elif kind == "foreach":
        one |= {"items": "items", "activities": draw(inner), "concurrency": draw(st.sampled_from([1, 2]))}
        if draw(st.booleans()):
            one |= {"collect": "x", "output": "items", "index": "i"}
    one["next"] = draw(forward)
    return one | draw(options(forward, kind, inner, depth))


@st.composite
def options(
    draw: st.DrawFn, forward: st.SearchStrategy[str], kind: str, inner: st.SearchStrategy[Any], depth: int
) -> dict[str, Any]:
    """Some of those that any activity may have."""
    chosen: dict[str, Any] = {}
    wanted = draw(st.sets(st.sampled_from(["condition", "timeout", "on_error", "compensation"]), max_size=2))
    if "condition" in wanted:
        chosen["condition"] = f"x < {draw(st.integers(1, 4))}"
    if "timeout" in wanted and kind in {"timer", "message", "compensate"}:
        chosen |= {"timeout": draw(st.sampled_from(["500ms", "10m"])), "on_timeout": draw(forward)}
    if "on_error" in wanted:
        handled = draw(st.sets(st.sampled_from(HANDLED), min_size=1))
        chosen["on_error"] = {name: draw(forward) for name in sorted(handled)}
    if "compensation" in wanted and depth < MAX_NESTING:
        chosen["compensation"] = draw(inner)
    return chosen


keys = st.sampled_from(KEYS)
number = st.sampled_from([0, 1, 2, 2.5, 3])
moves = st.lists(
    st.one_of(
        st.tuples(st.just("start"), keys, number),
        st.tuples(st.just("observe"), keys, number),
        st.tuples(st.just("signal"), keys, st.sampled_from(MESSAGES), number),
        st.tuples(st.just("signal one"), st.integers(0, 3), st.sampled_from(MESSAGES), number),
        st.tuples(st.just("answer"), st.integers(0, 3), st.sampled_from([True, False, None])),
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
            waits = [(s, *split_place(p)) for s in instances for p, w in s.waiting.items() if w.kind == "action"]
            if waits and waits[at % len(waits)][0].status == "running":
                state, name, token = waits[at % len(waits)]
                if good is None:
                    plant.refuse(state.id, name, token, retryable=True)
                elif good:
                    plant.answer(state.id, name, token, sent=True)
                else:
                    plant.refuse(state.id, name, token)
        case ("fire", _) if plant.due():
            plant.fire_next()
        case ("wait", ms):
            plant.now += ms
        case ("cancel", key):
            plant.do(Cancel(key=key))


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
        check_seq(event, seqs)
    running = {state.id for state in plant.instances() if state.status == "running"}
    for state in plant.instances():
        if state.id in running:
            _check_tokens(state)
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


def _check_tokens(state: Instance) -> None:
    """Each token waits in one place, or owns branches that are open."""
    at = [split_place(place)[1] for place in state.waiting]
    owners = [scope.token for scope in state.scopes.values()]
    branches = [branch_token(name, number) for name, scope in state.scopes.items() for number in scope.open]
    assert Counter(at + owners) == Counter([None, *branches])
    assert all(place in state.waiting or _owns(state, place) for place in state.deadlines)


def _owns(state: Instance, place: str) -> bool:
    return any(place_of(scope.activity_id, scope.token) == place for scope in state.scopes.values())


@given(st.data())
@settings(max_examples=30)
def test_a_log_goes_through_json_unchanged(data: st.DataObject) -> None:
    plant = Plant(data.draw(definitions()))
    for move in data.draw(moves):
        _play(plant, move)
    for event in plant.log:
        assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event
