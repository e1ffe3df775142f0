"""What is known of the types of variables before a process runs.

A declared type is sure.  Without one, the type is a *guess*: that of its ``value`` or ``default``, and of all that
activities set it to, if that is one.  Names that items of a ``foreach`` have of their own have no type: they mean
several things.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streams.core.activities import Activity, Rules, Transform
from streams.core.expressions import Expression, compile_expression
from streams.core.expressions.path import Steps
from streams.core.expressions.signatures import Type
from streams.core.expressions.template import split_text
from streams.core.expressions.types import type_of_value, typed
from streams.core.normalise import Raw
from streams.core.rules import AxisType
from streams.core.validation.parts import Parts, Severity
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
    """By variable; ``integers`` are those of type integer, ``given`` are names beside the variables."""

    declared: Mapping[str, Type]
    guessed: Mapping[str, Type]
    integers: frozenset[str]
    given: Mapping[str, Expression | None] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Parts) -> "Types":
        """Of a definition."""
        hidden = {name for _, one in parts.activities for name in one.item_names() or ()}
        hidden |= {name for raw, one in parts.activities if _is_within_items(raw, parts) for name in one.writes()}
        declared = {
            one.name: _TYPES[one.type] for _, one in parts.variables if one.type is not None and one.name not in hidden
        }
        integers = frozenset(one.name for _, one in parts.variables if one.type == "integer")
        known = cls(declared, {}, integers)
        found: dict[str, set[Type | None]] = {}
        for _, variable in parts.variables:
            start = variable.default if variable.value is None else variable.value
            sourced = variable.source is not None
            found[variable.name] = {None if start is None or sourced else type_of_value(start)}
        for _, activity in parts.activities:
            told = [(name, kind) for name, _, kind in written(activity, known)]
            silent = [(name, None) for name in activity.writes() if all(name != one for one, _ in told)]
            for name, kind in [*told, *silent]:
                found.setdefault(name, set()).add(kind)
        known_names = hidden | declared.keys()
        guessed = {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1 and name not in known_names}
        return cls(declared, {name: one for name, one in guessed.items() if one is not None}, integers)

    def within(self, given: Mapping[str, Expression | None]) -> "Types":
        """Where there are names beside the variables, each with what has its value, if that is known."""
        return replace(self, given=given)

    def type_of(self, steps: Steps) -> Type | None:
        """The type of a path; what lies within a variable may be anything."""
        name = str(steps[0])
        if len(steps) > 1:
            return None
        if name in self.given:
            expression = self.given[name]
            return None if expression is None else typed(expression, self.within({}).type_of).type
        return self.declared.get(name) or self.guessed.get(name)

    def severity(self, paths: tuple[Steps, ...]) -> Severity:
        """Of a mistake about the types of these paths."""
        return "warning" if any(str(steps[0]) in self.guessed for steps in paths) else "error"

    def axis_of(self, expression: Expression) -> AxisType | None:
        """For an input of a table; ``None`` when it may be anything."""
        if expression.text in self.integers:
            return "integer"
        known = typed(expression, self.type_of).type
        return None if known is None else _AXES.get(known)


def written(activity: Activity, types: Types) -> Iterator[tuple[str, Steps, Type | None]]:
    """What an activity sets, where, and of which type as far as it says."""
    match activity:
        case Transform():
            yield from ((name, ("set", name), _type_of_template(value, types)) for name, value in activity.set.items())
            yield from ((name, ("map", name), "array") for name in activity.map)
        case Rules() if activity.hit_policy != "collect" and not activity.output:
            inside = types.within(activity.columns())
            rows: list[tuple[Steps, Mapping[str, Any]]] = [
                (("rules", at, "then"), rule.then) for at, rule in enumerate(activity.rules)
            ]
            rows += [] if activity.default is None else [(("default",), activity.default)]
            for place, outputs in rows:
                yield from ((name, (*place, name), _type_of_template(one, inside)) for name, one in outputs.items())


def _is_within_items(raw: Raw, parts: Parts) -> bool:
    """Is what an activity sets an item's own?"""
    assert raw.body is not None
    holders = {owner for _, owner in raw.body.owners()}
    return any(one.item_names() is not None and other in holders for other, one in parts.activities)


def _type_of_template(value: Any, types: Types) -> Type | None:
    """A text that is but one expression has that one's type."""
    if not isinstance(value, str) or "${" not in value:
        return type_of_value(value)
    match split_text(value):
        case [("", str() as inner, _)]:
            return typed(compile_expression(inner), types.type_of).type
        case _:
            return "string"
