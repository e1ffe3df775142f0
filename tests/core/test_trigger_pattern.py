"""The trigger ``pattern`` as people write it: its forms, what does not fit together, what is kept when it changes."""

import re
from pathlib import Path

import pytest

from streams.core.definition import ProcessDefinition
from streams.core.parse import check_definition, parse_definition
from streams.core.patterns import Absence, Count, Level, Sequence
from streams.core.process import compile_process
from streams.core.triggers import CompiledPattern

TEXT = """
id: x
version: {version}
trigger: {{type: pattern, topic: heatpump-telemetry, {trigger}}}
variables: [{{name: t, source: {source}}}, {{name: limit, value: {limit}}}]
activities: [{{id: a, type: service, action: log, message: "${{t}}"}}]
"""
HOT = "condition: fields.t > 80"
MISTAKES = re.findall(r"(?m)^(?!#)(\S.*)\n(.+)$", (Path(__file__).parent / "pattern_errors.txt").read_text())


def text(trigger: str, version: int = 1, source: str = "fields.t", limit: int = 80) -> str:
    return TEXT.format(trigger=trigger, version=version, source=source, limit=limit)


def compiled(trigger: str, **more: object) -> CompiledPattern:
    [pattern] = compile_process(parse_definition(text(trigger, **more))).patterns  # type: ignore[arg-type]
    return pattern


@pytest.mark.parametrize(
    ("trigger", "form"),
    [
        (f"{HOT}, for: 5m", Level(300_000)),
        (f"{HOT}, for: 5m, max_gap: 1m, off_delay: 30s, re_alarm: 1h", Level(300_000, 30_000, 3_600_000, 60_000)),
        ("deadband: {value: fields.t, on: 80, off: 75}", Level(hysteresis=True)),
        (f"{HOT}, re_alarm: 1h", Level(re_alarm=3_600_000)),
        ("count: 3, within: 10m", Count(3, within=600_000)),
        ("sequence: [fields.open, fields.t > 80], within: 10m", Sequence(2, within=600_000)),
        ("absent: 2m", Absence(120_000)),
        (f"{HOT}, absent: 2m, re_alarm: 1h, keys: [a, b]", Absence(120_000, 3_600_000)),
    ],
)
def test_the_forms(trigger: str, form: object) -> None:
    definition = parse_definition(text(trigger))
    assert ProcessDefinition.model_validate(definition.model_dump(mode="json")) == definition
    assert compile_process(definition).triggers == ()
    assert compiled(trigger).pattern.form == form


@pytest.mark.parametrize(("trigger", "problem"), MISTAKES)
def test_a_mistake_is_told_like_this(trigger: str, problem: str) -> None:
    _, problems = check_definition(text(trigger))
    [said] = [f"{one.path}: {one.message}" + f" | {one.fix}" * bool(one.fix) for one in problems]
    assert said == f"trigger.{problem}"


@pytest.mark.parametrize(
    ("trigger", "reading", "truths"),
    [
        (f"{HOT}, for: 5m", {"t": 81}, [True]),
        (f"{HOT}, for: 5m", {"t": 80}, [False]),
        (f"{HOT}, for: 5m", {"x": 81}, None),
        (f"{HOT}, for: 5m", {"t": None}, None),
        ("deadband: {value: fields.t - 1, on: 80, off: 75}", {"t": 82}, [True, False]),
        ("deadband: {value: fields.t, on: 80, off: 75}", {"t": 78}, [False, False]),
        ("deadband: {value: fields.t, on: 80, off: 75}", {"t": 74}, [False, True]),
        ("deadband: {value: fields.t, on: 75, off: 80}", {"t": 74}, [True, False]),
        (f"{HOT}, count: 2, within: 1m", {"t": 81}, [True]),
        (f"{HOT}, count: 2, within: 1m", {"t": 8}, None),
        ("sequence: [fields.a > 1, fields.b > 1], within: 1m", {"b": 2}, [False, True]),
        ("sequence: [fields.a > 1, fields.b > 1], within: 1m", {"b": 1}, None),
        (f"{HOT}, absent: 1m", {"x": 1}, [False]),
        ("absent: 1m", {}, [True]),
    ],
)
def test_what_a_reading_says(trigger: str, reading: dict[str, object], truths: list[bool] | None) -> None:
    assert compiled(trigger).look({"fields": reading}) == truths


def test_what_is_told_of_a_reading() -> None:
    pattern = compiled("sequence: [fields.a > 1 && fields.b, fields.c.d > tags.e], within: 1m")
    reading = {"fields": {"a": 2.5, "b": True, "c": {"d": [1]}}, "tags": {"e": "x" * 99}}
    values = pattern.values_of(reading)
    assert values == [2.5, True, None, "x" * 40]
    assert pattern.named(values) == {"fields.a": 2.5, "fields.b": True, "fields.c.d": None, "tags.e": "x" * 40}


def test_what_changes_a_pattern() -> None:
    first = compiled(f"{HOT}, for: 5m").pattern.fingerprint
    for same in (f"{HOT}, for: 5m, mode: parallel", f"{HOT}, for: 300s, max_age: 1h, priority: 3, cooldown: 1h"):
        assert compiled(same, version=2, limit=90).pattern.fingerprint == first
    for other in (
        f"{HOT}.5, for: 5m",
        f"{HOT}, for: 6m",
        f"{HOT}, for: 5m, lateness: 1s",
        f"{HOT}, for: 5m, key: tags.x",
    ):
        assert compiled(other).pattern.fingerprint != first
    assert compiled(f"{HOT}, for: 5m", source="fields.x").pattern.fingerprint != first


def test_live_variables_follow_the_topic_of_a_pattern() -> None:
    process = compile_process(parse_definition(text(f"{HOT}, for: 5m, key: tags.room")))
    assert process.feeds("7") == [("heatpump-telemetry", "tags.room", "7")]
