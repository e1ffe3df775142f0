"""The builder makes the definitions that YAML makes, of every kind there is."""

import doctest
import inspect
import typing
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import streams.core.builder
from streams.core.actions.log import LogConfig
from streams.core.activities import KINDS
from streams.core.builder import HEAD, METHODS, TRIGGER_METHODS, Body, Process
from streams.core.builder.process import StationEvent
from streams.core.definition import Head
from streams.core.diff import diff
from streams.core.parse import DefinitionError, parse_definition
from streams.core.triggers import TRIGGERS
from streams.core.triggers.station import STATION_TRIGGERS
from streams.core.variables import Variable
from streams.core.yaml_text import yaml_text

TOPIC = "heatpump-telemetry"
Add = Callable[[Process, str], object]
ACTIVITIES: dict[str, Add] = {
    "wait": lambda p, name: p.wait(name, timedelta(minutes=90), timeout="2h", on_timeout="end", description="A while"),
    "service": lambda p, name: p.service(
        name,
        "mqtt_publish",
        {"topic": "plant/${n}", "payload": {"on": True, "n": "${n}", "list": [1, 2.5, None]}, "qos": 2},
        retry={"max_attempts": 5, "initial_interval": timedelta(seconds=2)},
        output="answer",
        on_error={"timeout": "end", "default": "end"},
        compensation=Body().log(f"undo_{name}", "undone"),
    ),
    "log": lambda p, name: p.log(name, "n is ${n}", level="warning", condition="n > 1"),
    "model": lambda p, name: p.service(name, "log", LogConfig(message="Hot: ${n}\n${device}")),
    "receive": lambda p, name: p.receive(name, "go", output={"answer": "$.a", "n": "b"}),
    "rules": lambda p, name: p.rules(
        name, [{"when": {"n": "> 3"}, "then": {"fan": "high"}}], hit_policy="first", default={"fan": "off"}
    ),
    "transform": lambda p, name: p.transform(
        name, set_={"m": "${n * 2}"}, map_={"l": {"items": "[1, 2]", "as": "x", "value": "${x}"}}
    ),
    "ask": lambda p, name: p.ask(
        name,
        title="Really?",
        candidates={"groups": ["boss"]},
        due="1d",
        outcomes=["yes", "no"],
        output={"answer": "outcome"},
    ),
    "decide": lambda p, name: p.decide(name, "n > 1", true_path="end", false_path="end", name="Which way?"),
    "parallel": lambda p, name: p.parallel(
        name, {"x": Body().wait(f"{name}_x", "1m"), "y": Body().log(f"{name}_y", "y").wait(f"{name}_z", "1s")}, join=1
    ),
    "foreach": lambda p, name: p.foreach(
        name, "[1, 2]", Body().wait(f"{name}_each", "1s"), as_="one", index="i", concurrency=2, timeout="1h"
    ),
    "call": lambda p, name: p.call(name, "other", input_={"n": "${n}"}, wait=False, key="${device}"),
    "compensate": lambda p, name: p.compensate(name, condition="n > 1"),
    "step": lambda p, name: p.step("timer", name, duration="5s"),
}
STARTS: dict[str, Callable[[Process], object]] = {
    "on_start": lambda p: p.on_start(mode="single"),
    "on_reading": lambda p: p.on_reading(TOPIC, all=["fields.t > 1", "has(fields.u)"], max_age=timedelta(hours=1)),
    "on_mqtt": lambda p: p.on_mqtt("home/+/telemetry", condition="fields.t > 1", key="tags.room", priority=3),
    "on_time": lambda p: p.on_time(cron="0 6 * * 1-5", time_zone="Europe/Berlin", catch_up="last", key="boiler"),
    "on_pattern": lambda p: p.on_pattern(TOPIC, for_="5m", condition="fields.t > 80", re_alarm=timedelta(hours=1)),
    "on_event": lambda p: p.on_event("zone_entry", config={"zone_id": "gate"}, condition="tags.user_id != 'x'"),
    "on_message": lambda p: p.on_message("ordered", cooldown="1m"),
    "on_rows": lambda p: p.on_rows(
        "SELECT id, name FROM orders WHERE shop = :shop", watermark="id", every="5s", params={"shop": "a"}
    ),
    "on": lambda p: p.on("timer", every="1h"),
}


@st.composite
def processes(draw: st.DrawFn) -> Process:
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0$"), min_size=1, max_size=20)
    process = Process(
        "built",
        version=draw(st.integers(1, 9)),
        name=draw(texts),
        on_resume="shift",
        labels={"site": "north"},
        timeout=timedelta(days=2),
    )
    for start in draw(st.lists(st.sampled_from(sorted(STARTS)), min_size=1, max_size=3, unique=True)):
        STARTS[start](process)
    process.variable("n", type_="number", value=draw(st.floats(-9, 9) | st.integers(-9, 9)))
    process.variable("device", default=draw(texts), required=draw(st.booleans()) or None)
    for index, kind in enumerate(draw(st.lists(st.sampled_from(sorted(ACTIVITIES)), min_size=1, max_size=6))):
        ACTIVITIES[kind](process, f"a{index}")
    process.end()
    return process


@given(processes())
def test_what_is_built_is_what_its_yaml_says(process: Process) -> None:
    built = process.build()
    assert parse_definition(process.text()).hash == built.hash
    assert parse_definition(process.text()) == built
    canonical = yaml_text(built.model_dump(mode="json"))
    assert parse_definition(canonical).hash == built.hash, "as `weir export` writes what was deployed without its text"
    assert diff(built, parse_definition(canonical)) == []


@pytest.mark.parametrize("kind", sorted(ACTIVITIES))
def test_each_activity(kind: str) -> None:
    process = Process("one").on_start().variable("n", value=2).variable("device")
    ACTIVITIES[kind](process, "a")
    process.end()
    assert parse_definition(process.text()).hash == process.build().hash


@pytest.mark.parametrize("kind", sorted(STARTS))
def test_each_trigger(kind: str) -> None:
    process = Process("one")
    STARTS[kind](process)
    process.wait("w", "1m")
    assert parse_definition(process.text()).hash == process.build().hash


def test_a_mistake_is_told_with_its_place() -> None:
    process = Process("wrong").on_start().decide("check", "n >", true_path="end", false_path="nowhere")
    with pytest.raises(DefinitionError) as caught:
        process.build()
    assert "Process('wrong'): activities[check].condition: " in str(caught.value)


def test_the_example_of_the_docstring() -> None:
    failed, tried = doctest.testmod(streams.core.builder)
    assert (failed, tried) == (0, 4)


# Completeness.


def parameters(method: Callable[..., Any]) -> set[str]:
    """Names of all that a method takes, those of its options too."""
    hints = typing.get_type_hints(method, include_extras=True)
    found: set[str] = set()
    for name, one in inspect.signature(method).parameters.items():
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            (options,) = typing.get_args(hints[name])
            found |= options.__annotations__.keys()
        elif name != "self":
            found.add(name.removesuffix("_"))
    return found


def fields(model: Any) -> set[str]:
    return {one.alias or name for name, one in model.model_fields.items()} - {"type", "id"}


def test_every_kind_of_activity_has_a_method_that_takes_all_it_has() -> None:
    assert METHODS.keys() == KINDS.keys(), "a new kind needs a method in streams/core/builder/body.py"
    for kind, name in METHODS.items():
        assert parameters(getattr(Body, name)) - {"activity_id"} == fields(KINDS[kind].model), kind


def test_every_trigger_has_a_method_that_takes_all_it_has() -> None:
    assert TRIGGER_METHODS.keys() | STATION_TRIGGERS.keys() == TRIGGERS.keys(), "see streams/core/builder/process.py"
    assert set(typing.get_args(StationEvent)) == STATION_TRIGGERS.keys()
    for kind, trigger in TRIGGERS.items():
        method = getattr(Process, TRIGGER_METHODS.get(kind, "on_event"))
        assert parameters(method) - {"event"} == fields(trigger), kind


def test_variables_and_the_head_take_all_they_have() -> None:
    assert parameters(Process.variable) | {"type"} == fields(Variable) | {"type"}
    assert HEAD.__annotations__.keys() | {"version"} == fields(Head)


def test_a_start_may_be_written() -> None:
    process = Process("one").on_start().start("begin", next="w").wait("w", "1m")
    assert [one.id for one in process.build().activities] == ["begin", "w", "end"]
    assert parse_definition(process.text()).hash == process.build().hash
