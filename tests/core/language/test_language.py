"""The whole process language, as Hypothesis writes it: nothing crashes or hangs the core, and replay equals live.

One file makes one kind of thing: ``activities`` (with ``actions``), ``options``, ``triggers``, ``definitions`` of them,
and ``moves``, what may come for a plant; ``living`` has what must hold after each.
"""

import io
from typing import Any, get_args

import pytest
from hypothesis import Phase, assume, given, seed, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from streams.core.actions import ACTIONS
from streams.core.activities import KINDS
from streams.core.activities.base import Activity, Continuing
from streams.core.activities.service import Service
from streams.core.commands import AnyCommand, StartProcess
from streams.core.definition import Head, ProcessDefinition
from streams.core.parse import check_definition, validate_definition
from streams.core.problems import DefinitionError
from streams.core.process import compile_process
from streams.core.triggers import TRIGGERS
from tests.core.language.actions import CONFIGS
from tests.core.language.activities import ACTIVITIES
from tests.core.language.definitions import definitions, mistaken
from tests.core.language.living import Living
from tests.core.language.moves import MOVES, move
from tests.core.language.options import OPTIONS, PROCESS_OPTIONS
from tests.core.language.triggers import TRIGGERS_MADE
from tests.core.plant import Plant

CHILD = """
id: child
trigger: {type: api}
variables: [{name: x}, {name: a, value: {b: 3}}]
activities:
  - {id: small, type: decision, condition: x > 1, true_path: wait, false_path: end}
  - {id: wait, type: message, name: go, output: {x: x}}
"""
MOST_MOVES = 20


def validated(made: Any) -> ProcessDefinition | None:
    """The definition, where it is one."""
    try:
        return validate_definition(made)
    except DefinitionError as error:
        problems = error.problems
    assert problems
    assert all(one.message for one in problems)
    return None


@given(st.data())
def test_replay_equals_live_whatever_runs(data: st.DataObject) -> None:
    versions = [validated(data.draw(definitions())), validated(data.draw(definitions(version=2)))]
    first = versions[0]
    assume(first is not None)
    living = Living(Plant(CHILD, *filter(None, versions)))
    living.do(StartProcess(definition_id="made", key="pump-1", definition_version=1))
    for _ in range(data.draw(st.integers(1, MOST_MOVES))):
        living.plant.now += data.draw(st.sampled_from([0, 1, 1000, 60_000]))
        command = move(data.draw, living.plant)
        if command is not None:
            living.do(command)


@given(definitions())
def test_a_definition_reads_back_as_what_it_is(made: Any) -> None:
    definition = validated(made)
    assume(definition is not None)
    assert definition is not None
    stored = definition.model_dump(mode="json")
    assert ProcessDefinition.model_validate(stored) == definition
    again = validate_definition(stored)
    assert again.hash == definition.hash, "the canonical form is itself one spelling"
    text = io.StringIO()
    YAML(typ="safe").dump(made, text)
    from_text, problems = check_definition(text.getvalue())
    assert from_text == definition, problems


@given(mistaken())
def test_a_mistake_is_told_or_runs(made: Any) -> None:
    definition = validated(made)
    if definition is not None:
        compile_process(definition)
        Living(Plant(CHILD, definition)).do(StartProcess(definition_id=definition.id, key="pump-1"))


@given(definitions(), st.data())
def test_a_text_that_was_damaged_is_told_or_read(made: Any, data: st.DataObject) -> None:
    out = io.StringIO()
    YAML(typ="safe").dump(made, out)
    text = out.getvalue()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text("{}[]:-#&*!|>'\"%@` \t\n0aé\x00", max_size=3)) + text[at + length :]
    definition, problems = check_definition(text)
    assert definition is not None or problems
    lines = text.splitlines() or [""]
    assert all(1 <= one.line <= len(lines) + 1 for one in problems)


@pytest.mark.parametrize(
    ("registry", "made"),
    [
        (set(KINDS) - {"start", "end"}, set(ACTIVITIES)),
        (set(ACTIONS), set(CONFIGS)),
        (set(TRIGGERS), set(TRIGGERS_MADE)),
        (
            {*Continuing.model_fields, *Service.model_fields} - {*Activity.model_fields, "action", "config"},
            set(OPTIONS),
        ),
        (set(Head.model_fields) - {"id", "name", "version"}, set(PROCESS_OPTIONS)),
        (set(get_args(AnyCommand)), set(MOVES)),
    ],
    ids=["kinds", "actions", "triggers", "options", "process", "commands"],
)
def test_all_of_the_language_is_made(registry: set[object], made: set[object]) -> None:
    assert made == registry


def _words(value: Any) -> set[str]:
    """Names of fields, types and actions."""
    if isinstance(value, list):
        return set().union(*map(_words, value))
    if not isinstance(value, dict):
        return set()
    named = {f"{name} {value[name]}" for name in ("type", "action") if isinstance(value.get(name), str)}
    return set(map(str, value)) | named | _words(list(value.values()))


@pytest.mark.long
def test_all_that_is_made_occurs_in_valid_definitions() -> None:
    wanted = {f"type {name}" for name in [*KINDS, *TRIGGERS]} | {f"action {name}" for name in ACTIONS}
    wanted |= {*OPTIONS, *PROCESS_OPTIONS}

    @settings(max_examples=50, phases=[Phase.generate], database=None)
    @given(definitions())
    def look(made: Any) -> None:
        nonlocal wanted
        if wanted & (words := _words(made)) and validated(made) is not None:
            wanted -= words

    for number in range(40):
        seed(number)(look)()
        if not wanted:
            break
    assert not wanted
