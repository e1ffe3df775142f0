"""What is written as YAML is read back as the same."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.document import UNWANTED, read_yaml
from streams.core.parse import parse_definition
from streams.core.yaml_text import yaml_text
from weir.testkit.case import is_test

PROJECT = Path(__file__).parents[2]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["on", "no", "~", "null", "1", "1.0", "1e5", ".5", "0x1f", "+1", "-", "- a", "a: b", "a #b", "#"]),
    st.sampled_from(
        ["", " ", "a\nb", "a\n", "\na", " a\nb", "a\n\n", "a \nb", "${x}", "*a", "&a", "!a", "%a", "@", "`"]
    ),
    st.sampled_from(
        ["true", "yes", "2024-01-01", "12:30:00", "=", "<<", "?", "? a", "|", ">", "'", '"', "{", "[", "\\"]
    ),
).filter(lambda text: not UNWANTED.search(text))
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1 is not 1.0, nor is -0.0 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and (not isinstance(one, float) or math.copysign(1, one) == math.copysign(1, other))


@given(VALUES)
def test_values_come_back(data: Any) -> None:
    assert same(read_yaml(yaml_text(data)).data, data), yaml_text(data)


def test_the_layout_is_for_people() -> None:
    data = {"id": "a", "activities": [{"id": "b", "source": "x = 1\ny = 2\n", "if": "a > 1", "none": {}}], "n": 1.0}
    assert yaml_text(data) == (
        "id: a\nactivities:\n  - id: b\n    source: |\n      x = 1\n      y = 2\n"
        '    if: "a > 1"\n    none: {}\nn: 1.0\n'
    )


@pytest.mark.parametrize(
    "file",
    [one for one in sorted((PROJECT / "definitions").glob("*.yaml")) if not is_test(one.name)],
    ids=lambda file: file.stem,
)
def test_a_definition_in_its_canonical_form_has_the_same_hash(file: Path) -> None:
    definition = parse_definition(file.read_text())
    text = yaml_text(definition.model_dump(mode="json"))
    assert parse_definition(text).hash == definition.hash
    assert yaml_text(parse_definition(text).model_dump(mode="json")) == text


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
def test_what_else_ends_a_line_of_yaml_ends_none(end: str) -> None:
    data = {"message": f"one\ntwo{end}id: three\n"}
    assert read_yaml(yaml_text(data)).data == data
