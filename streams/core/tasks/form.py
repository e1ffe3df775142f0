"""Forms: a task's answers against its JSON Schema (draft 2020-12, https://json-schema.org/draft/2020-12).

``jsonschema_rs`` checks them: regular expressions in linear time (no lookaround), nothing is fetched.  What remains
dangerous is a schema whose references double at each step; ``compile_form`` refuses it.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from streams.core.suggest import suggest

MAX_FORM_BYTES = 16_384
MAX_WEIGHT = 5_000
"""Subschemas, each as often as references lead to it."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"

_Steps = tuple[str | int, ...]


class FormError(ValueError):
    """A form that cannot be used; ``steps`` is where in it, ``fix`` what to write instead."""

    def __init__(self, message: str, fix: str = "", steps: _Steps = ()) -> None:
        super().__init__(message)
        self.fix, self.steps = fix, steps


class Form:
    """A compiled form."""

    __slots__ = ("_validator", "schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises ``FormError``."""
        self.schema = schema
        if len(msgspec.json.encode(schema)) > MAX_FORM_BYTES:
            raise FormError(f"Expected a form of at most {MAX_FORM_BYTES} bytes", "Ask less in one task")
        if schema.get("$schema", DRAFT) != DRAFT:
            raise FormError("Expected JSON Schema of draft 2020-12", f"Write {DRAFT}, or nothing", ("$schema",))
        if schema.get("type", "object") != "object":
            raise FormError("Expected a form of 'type: object': answers have names", "Name each answer", ("type",))
        _check_references(schema)
        options = jsonschema_rs.RegexOptions()
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                dict(schema), pattern_options=options, validate_formats=True, ignore_unknown_formats=False, offline=True
            )
        except jsonschema_rs.ValidationError as error:
            message = error.message.partition(". Adjust configuration")[0]  # that is not the author's to do
            fix = "Write it without lookaround and backreferences" if message.endswith('"regex"') else ""
            raise FormError(f"This is no JSON Schema: {message}", fix, tuple(error.instance_path)) from None

    def problem(self, answers: Mapping[str, Any]) -> str | None:
        """What is wrong with the first answer that is: field, what was expected, and the fix.  ``None``: they fit."""
        if self._validator.is_valid(answers):
            return None
        error = min(self._validator.iter_errors(answers), key=lambda one: [str(step) for step in one.instance_path])
        return _explain(error, self.schema)


@lru_cache(maxsize=256)
def _compiled(encoded: bytes) -> Form:
    return Form(msgspec.json.decode(encoded))


def compile_form(schema: Mapping[str, Any]) -> Form:
    """The form of a JSON Schema; equal ones are compiled once.  Raises ``FormError``."""
    return _compiled(msgspec.json.encode(schema))


def _explain(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any]) -> str:
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path).lstrip(".")
    kind = error.kind
    match kind:
        case jsonschema_rs.ValidationErrorKind.Required():
            name = f"{field}.{kind.property}" if field else str(kind.property)
            return f"the answer {name!r} is missing. Add it"
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties() if not field:
            [name, *_] = kind.unexpected
            return f"the form does not ask for {name!r}. {suggest(name, schema.get('properties', {}), 'answer')}"
        case jsonschema_rs.ValidationErrorKind.Enum():
            choices = ", ".join(map(str, kind.options))
            return f"the answer {field!r} is none of {choices}. Choose one of them"
        case jsonschema_rs.ValidationErrorKind.Type():
            return f"the answer {field!r}: {error.message}. Give it that type"
    return f"the answer {field!r}: {error.message}. Correct it" if field else f"{error.message}. Correct it"


def _check_references(schema: Mapping[str, Any]) -> None:
    """References stay within the form, and do not multiply."""
    for steps, part in _objects(schema, ()):
        for keyword in ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"):
            if keyword in part and not _names_property(steps):
                raise FormError(f"Expected a form without {keyword!r}", "Name parts by '$ref: #/$defs/name'", steps)
        reference = part.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise FormError(
                f"Expected a reference within the form, but got {reference!r}",
                "Nothing is fetched: copy it to '$defs', and write '$ref: #/$defs/name'",
                (*steps, "$ref"),
            )
    if _weight(schema, schema, {}, 0) > MAX_WEIGHT:
        raise FormError("Expected a simpler form: its references multiply", "Refer to each part less often")


def _names_property(steps: _Steps) -> bool:
    """Whether the object at ``steps`` has the names of answers, not keywords."""
    return bool(steps) and steps[-1] in ("properties", "$defs", "patternProperties", "dependentSchemas")


def _objects(value: Any, steps: _Steps) -> Iterator[tuple[_Steps, Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield steps, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from _objects(item, (*steps, step))


def _weight(value: Any, root: Mapping[str, Any], known: dict[str, int], weight: int) -> int:
    """How many objects ``value`` unfolds to, as far as ``MAX_WEIGHT``; a reference to what holds it counts as one."""
    for _, part in _objects(value, ()):
        weight += 1
        reference = part.get("$ref")
        if isinstance(reference, str):
            if reference not in known:
                known[reference] = 1
                known[reference] = _weight(_target(root, reference), root, known, 0)
            weight += known[reference]
        if weight > MAX_WEIGHT:
            break
    return weight


def _target(root: Any, reference: str) -> Any:
    """What ``reference`` names; ``None`` where there is nothing, which the library reports."""
    value = root
    for raw in reference.removeprefix("#").split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
