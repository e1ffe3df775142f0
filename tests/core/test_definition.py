"""The canonical definition, its registries, its schema, and what it compiles to."""

from pathlib import Path

import jsonschema
import pytest

from streams.core.actions import ACTIONS
from streams.core.activities import KINDS
from streams.core.definition import ProcessDefinition
from streams.core.document import read_yaml
from streams.core.parse import parse_definition
from streams.core.process import Process, compile_process
from streams.core.scalars import duration_text
from streams.core.schema import definition_schema, schema_text
from streams.core.step import ENTER
from streams.core.triggers import ALIASES, TRIGGERS
from weir.testkit.case import is_test

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "definitions" / "temperature-control.yaml").read_text()
SEEDS = Path(__file__).parent / "seeds"


def process(text: str = TEXT) -> Process:
    return compile_process(parse_definition(text))


# The registries.


def test_every_kind_of_activity_becomes_a_node_that_can_be_entered() -> None:
    compiled = process(
        "id: all\ntrigger: {type: api}\nactivities:\n"
        "  - {id: a, type: timer, duration: 1s}\n"
        "  - {id: b, type: message, name: go}\n"
        "  - {id: c, type: service, action: log, message: x}\n"
        "  - {id: u, type: user_task}\n"
        "  - {id: d, type: decision, condition: 'true', true_path: end, false_path: end}\n"
        "  - {id: e, type: rules, rules: [{when: {}, then: {x: 1}}]}\n"
        "  - {id: f, type: transform, set: {y: 1}}\n"
        "  - {id: g, type: parallel, branches: {one: {id: h, type: timer, duration: 1s}}}\n"
        "  - {id: i, type: foreach, items: '[1]', activities: [{id: j, type: timer, duration: 1s}]}\n"
        "  - {id: k, type: compensate}\n"
        "  - {id: m, type: subprocess, process: other}\n"
        "  - {id: l, type: decision, cases: [{when: x > 1, next: end}], default: end}\n"
    )
    assert {one.type for one in compiled.definition.all_activities()} == set(KINDS)
    assert {type(node) for node in compiled.activities.values()} == set(ENTER)


def test_registries_name_what_they_hold() -> None:
    assert {name: kind.model.__name__.lower() for name, kind in KINDS.items()} == {
        name: name.replace("_", "") for name in KINDS
    }
    assert {name: spec.name for name, spec in ACTIONS.items()} == {name: name for name in ACTIONS}
    assert set(ALIASES.values()) <= set(TRIGGERS)
    assert {name for name, spec in ACTIONS.items() if spec.inline} == {"log", "database_log"}


# The hash.


def test_the_hash_is_that_of_the_content_and_is_pinned() -> None:
    """When this fails, every deployed definition would look changed: a new field needs a default."""
    definition = parse_definition(TEXT)
    assert definition.hash == HASH
    assert parse_definition(TEXT.replace("25.0", "26.0")).hash != HASH
    assert parse_definition("# other words\n" + TEXT).hash == HASH


HASH = "321d14ea91352820b4f0b279bb2a96cff84311cb9e310f0680331e189e0e8bfb"


def test_a_definition_cannot_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_definition(TEXT).version = 2  # type: ignore[misc]


def test_the_topics_and_activities_of_a_definition() -> None:
    definition = parse_definition(TEXT)
    assert definition.topics == ("heatpump-telemetry",)
    assert definition.activity("escalate").type == "service"
    with pytest.raises(KeyError):
        definition.activity("nowhere")


@pytest.mark.parametrize(
    ("ms", "text"), [(1, "1ms"), (1000, "1s"), (90_000, "1m30s"), (5_400_000, "1h30m"), (90_061_001, "1d1h1m1s1ms")]
)
def test_durations_have_one_spelling(ms: int, text: str) -> None:
    assert duration_text(ms) == text


# The schema.


def test_the_schema_beside_the_definitions_is_current() -> None:
    assert (ROOT / "definitions" / "schema.json").read_text() == schema_text(), "run: poe schema"


@pytest.mark.parametrize(
    "path",
    [one for one in sorted((ROOT / "definitions").glob("*.yaml")) if not is_test(one.name)],
    ids=lambda path: path.name,
)
def test_every_definition_names_the_schema_and_fits_it(path: Path) -> None:
    text = path.read_text()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./schema.json"
    jsonschema.validate(read_yaml(text).data, definition_schema())


@pytest.mark.parametrize("name", ["starter-guide.yaml", "architecture-plan.yaml"])
def test_both_spellings_fit_the_schema(name: str) -> None:
    jsonschema.validate(read_yaml((SEEDS / name).read_text()).data, definition_schema())


def test_the_canonical_form_fits_the_schema() -> None:
    definition = parse_definition(TEXT).model_dump(mode="json")
    assert ProcessDefinition.model_validate(definition).model_dump(mode="json") == definition
    jsonschema.validate(definition, definition_schema())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: redpanda", "type: redpander"),
        ("topic: heatpump", "topik: heatpump"),
        ("version: 1", "version: 1.5"),
        ("type: timer", "type: timmer"),
        ("duration: 5m", "duration: 5"),
        ("action: notify", "action: notyfy"),
        ("channel: alert", "chanel: alert"),
        ('message: "Cooling successful"', "level: info"),
        ("false_path: log_normal", "otherwise: log_normal"),
        ("trigger:", "triger:"),
    ],
)
def test_the_schema_sees_what_an_editor_can_see(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_yaml(TEXT.replace(old, new, 1)).data, definition_schema())


def test_what_is_as_by_default_is_no_content() -> None:
    text = "id: a\nversion: 1\ntrigger: {type: api}\nactivities: [{id: wait, type: timer, duration: 5m}]\n"
    spelt = text.replace("version: 1", "version: 1\non_resume: fire\ntimeout: 30d").replace(
        "api}", "api, mode: single}"
    )
    assert parse_definition(text).hash == parse_definition(spelt).hash
    assert parse_definition(text).hash != parse_definition(text.replace("5m", "6m")).hash
