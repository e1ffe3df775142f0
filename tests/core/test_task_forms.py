"""Answers against forms: what is wrong is told with the field and the fix; a dangerous form is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError

from streams.core.tasks.form import MAX_FORM_BYTES, FormError, compile_form

FORM = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "limit": {"type": "number", "minimum": 5, "maximum": 100},
        "mode": {"enum": ["eco", "comfort"]},
        "serial": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
        "visit": {"type": "string", "format": "date"},
        "rooms": {"type": "array", "items": {"type": "object", "required": ["name"]}, "maxItems": 3},
    },
    "required": ["approved"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"approved": True}, None),
        ({"approved": True, "limit": 7.5, "mode": "eco", "serial": "AB12", "visit": "2026-11-28"}, None),
        ({}, "the answer 'approved' is missing. Add it"),
        ({"approved": "yes"}, 'the answer \'approved\': "yes" is not of type "boolean". Give it that type'),
        ({"approved": True, "limit": 200}, "the answer 'limit': 200 is greater than the maximum of 100. Correct it"),
        ({"approved": True, "mode": "fast"}, "the answer 'mode' is none of eco, comfort. Choose one of them"),
        (
            {"approved": True, "serial": "12"},
            'the answer \'serial\': "12" does not match "^[A-Z]{2}[0-9]+$". Correct it',
        ),
        ({"approved": True, "visit": "soon"}, 'the answer \'visit\': "soon" is not a "date". Correct it'),
        ({"approved": True, "limitt": 7}, "the form does not ask for 'limitt'. Did you mean 'limit'?"),
        ({"approved": True, "rooms": [{"name": "a"}, {}]}, "the answer 'rooms[1].name' is missing. Add it"),
        ({"approved": True, "rooms": [1]}, "the answer 'rooms[0]': 1 is not of type \"object\". Give it that type"),
        ({"limit": 1, "approved": 0}, "the answer 'approved': 0 is not of type \"boolean\". Give it that type"),
    ],
)
def test_the_first_answer_that_does_not_fit_is_told(answers: dict[str, Any], problem: str | None) -> None:
    assert compile_form(FORM).problem(answers) == problem


def test_what_is_wrong_with_all_answers_together_is_told() -> None:
    form = compile_form({"minProperties": 2})
    assert form.problem({"a": 1}) == '{"a":1} has less than 2 properties. Correct it'


def _doubling(depth: int) -> dict[str, Any]:
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}, {"$ref": f"#/$defs/p{n + 1}"}]} for n in range(depth)}
    return {"$defs": {**parts, f"p{depth}": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/p0"}}}


@pytest.mark.parametrize(
    ("schema", "message", "steps"),
    [
        ({"type": "objekt"}, "Expected a form of 'type: object': answers have names", ("type",)),
        ({"type": "array"}, "Expected a form of 'type: object': answers have names", ("type",)),
        (
            {"properties": {"a": {"minimum": "x"}}},
            'This is no JSON Schema: "x" is not of type "number"',
            ("properties", "a", "minimum"),
        ),
        ({"required": "a"}, 'This is no JSON Schema: "a" is not of type "array"', ("required",)),
        (
            {"properties": {"a": {"pattern": "(?=a)"}}},
            'This is no JSON Schema: "(?=a)" is not a "regex"',
            ("properties", "a", "pattern"),
        ),
        (
            {"properties": {"a": {"$ref": "https://example.org/a.json"}}},
            "Expected a reference within the form, but got 'https://example.org/a.json'",
            ("properties", "a", "$ref"),
        ),
        ({"$ref": "#/$defs/a"}, "This is no JSON Schema: Pointer '/$defs/a' does not exist", ()),
        (
            {"allOf": [{"title": "a"}], "$ref": "#/allOf/1"},
            "This is no JSON Schema: Pointer '/allOf/1' does not exist",
            (),
        ),
        ({"$id": "a"}, "Expected a form without '$id'", ()),
        (
            {"properties": {"a": {"items": {"$dynamicRef": "#a"}}}},
            "Expected a form without '$dynamicRef'",
            ("properties", "a", "items"),
        ),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "Expected JSON Schema of draft 2020-12", ("$schema",)),
        ({"title": "x" * MAX_FORM_BYTES}, f"Expected a form of at most {MAX_FORM_BYTES} bytes", ()),
        (_doubling(40), "Expected a simpler form: its references multiply", ()),
        (
            {"properties": {"a": {"format": "colour"}}},
            "This is no JSON Schema: Unknown format: 'colour'",
            ("properties", "a", "format"),
        ),
    ],
)
def test_a_form_that_cannot_be_used_is_refused_with_its_place(
    schema: dict[str, Any], message: str, steps: tuple[str, ...]
) -> None:
    with pytest.raises(FormError) as caught:
        compile_form(schema)
    assert (str(caught.value), caught.value.steps) == (message, steps)


def test_names_of_answers_are_no_keywords() -> None:
    form = compile_form({"properties": {"$id": {"type": "number"}, "$ref": {"type": "string"}}})
    assert form.problem({"$id": 1, "$ref": "x"}) is None
    assert form.problem({"$id": "x"}) is not None


def test_a_form_may_refer_to_itself() -> None:
    tree = {
        "type": "object",
        "properties": {"parts": {"type": "array", "items": {"$ref": "#"}}, "n": {"type": "number"}},
    }
    form = compile_form(tree)
    assert form.problem({"parts": [{"n": 1, "parts": [{"n": 2}]}]}) is None
    assert form.problem({"parts": [{"parts": [{"n": "x"}]}]}) == (
        'the answer \'parts[0].parts[0].n\': "x" is not of type "number". Give it that type'
    )
    assert compile_form({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}).problem({}) is None


def test_equal_forms_are_compiled_once() -> None:
    assert compile_form({"required": ["a"]}) is compile_form({"required": ["a"]})


scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "a", "ab"]))
schemas = st.recursive(
    st.one_of(
        st.builds(
            lambda kind: {"type": kind}, st.sampled_from(["string", "number", "integer", "boolean", "null", "x"])
        ),
        st.builds(lambda low: {"minimum": low}, st.integers(-3, 3)),
        st.builds(lambda values: {"enum": values}, st.lists(scalars, min_size=1, max_size=3, unique_by=repr)),
        st.booleans(),
    ),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"properties": parts}, st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
        st.builds(lambda item: {"items": item}, inner),
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda names: {"required": names}, st.lists(st.sampled_from("abc"), max_size=2, unique=True)),
    ),
    max_leaves=6,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
answers = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(st.dictionaries(st.sampled_from("abc"), schemas, max_size=3), st.lists(answers, max_size=3))
def test_any_form_says_what_the_reference_implementation_says(parts: dict[str, Any], given: list[Any]) -> None:
    schema = {"properties": parts}
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        with pytest.raises(FormError):
            compile_form(schema)
        return
    form, reference = compile_form(schema), Draft202012Validator(schema)
    for one in given:
        assert (form.problem(one) is None) == reference.is_valid(one)


def test_a_form_may_refer_to_an_element_of_a_list() -> None:
    form = compile_form({"allOf": [{"required": ["a"]}], "properties": {"b": {"$ref": "#/allOf/0"}}})
    assert form.problem({"a": 1, "b": {"a": 1}}) is None
    assert form.problem({"a": 1, "b": {}}) is not None
