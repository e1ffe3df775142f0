"""What is known of the types of variables before a process runs.

A declared type is sure.  Without one, the type is a *guess*: that of its ``value`` or ``default``, and of all that
activities set it to, if that is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.activities import Activity, Rules, Transform
from streams.core.expressions import Expression, compile_expression
from streams.core.expressions.path import Steps
from streams.core.expressions.signatures import Type
from streams.core.expressions.template import split_text
from streams.core.expressions.types import TypeOf, type_of_value, typed
from streams.core.rules import AxisType
from streams.core.validation.parts import Parts
from streams.core.variables import VariableType

_TYPES: dict[VariableType, Type] = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "object": "object",
    "array": "array",
}
_AXES: dict[Type, AxisType] = {"number": "number", "string": "string", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class Types:
    """By variable; ``integers`` are those of type integer."""

    declared: Mapping[str, Type]
    guessed: Mapping[str, Type]
    integers: frozenset[str]

    @classmethod
    def of(cls, parts: Parts) -> "Types":
        """Of a definition."""
        declared = {one.name: _TYPES[one.type] for _, one in parts.variables if one.type is not None}
        integers = frozenset(one.name for _, one in parts.variables if one.type == "integer")
        known = cls(declared, {}, integers)
        found: dict[str, set[Type | None]] = {}
        for _, variable in parts.variables:
            start = variable.default if variable.value is None else variable.value
            sourced = variable.source is not None
            found[variable.name] = {None if start is None or sourced else type_of_value(start)}
        for _, activity in parts.activities:
            given = dict(_written(activity, known))
            for name in activity.writes():
                found.setdefault(name, set()).add(given.get(name))
        guessed = {name: types.pop() for name, types in found.items() if len(types) == 1 and name not in declared}
        return cls(declared, {name: one for name, one in guessed.items() if one is not None}, integers)

    def lookup(self, given: Mapping[str, Expression | None]) -> TypeOf:
        """The types of paths, where ``given`` are names beside the variables."""

        def type_of(steps: Steps) -> Type | None:
            name = str(steps[0])
            if len(steps) > 1:
                return None
            if name in given:
                expression = given[name]
                return None if expression is None else typed(expression, self.lookup({})).type
            return self.declared.get(name) or self.guessed.get(name)

        return type_of

    def are_sure(self, paths: tuple[Steps, ...]) -> bool:
        """Is none of these guessed?"""
        return not any(str(steps[0]) in self.guessed for steps in paths)

    def axis_of(self, expression: Expression) -> AxisType | None:
        """For an input of a table; ``None`` when it may be anything."""
        if expression.text in self.integers:
            return "integer"
        known = typed(expression, self.lookup({})).type
        return None if known is None else _AXES.get(known)


def _written(activity: Activity, known: Types) -> Iterator[tuple[str, Type | None]]:
    """The types of what an activity sets, as far as it says."""
    match activity:
        case Transform():
            yield from ((name, _type_of_template(value, known)) for name, value in activity.set.items())
            yield from ((name, "array") for name in activity.map)
        case Rules() if activity.hit_policy != "collect" and not activity.output:
            for name in activity.output_names():
                values = [rule.then.get(name) for rule in activity.rules]
                values += [] if activity.default is None else [activity.default.get(name)]
                types = {_type_of_template(value, known) for value in values}
                yield name, types.pop() if len(types) == 1 else None


def _type_of_template(value: Any, known: Types) -> Type | None:
    """A text that is but one expression has that one's type."""
    if not isinstance(value, str) or "${" not in value:
        return type_of_value(value)
    match split_text(value):
        case [("", str() as inner, _)]:
            return typed(compile_expression(inner), known.lookup({})).type
        case _:
            return "string"
