"""Expressions compare, add and test what can go together, and variables get values of their type.

A mistake about declared types is an error; about guessed ones (``typing``) a warning.
"""

from streams.core.activities import Activity, Rules
from streams.core.document import Steps
from streams.core.expressions import Expression
from streams.core.expressions.explain import show
from streams.core.expressions.signatures import WORDS
from streams.core.expressions.types import type_of_value, typed
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.validation.parts import Parts, is_condition, report_text
from streams.core.validation.typing import Types, written

_NOTHING = Types({}, {}, frozenset())


def check(parts: Parts, report: Report) -> None:
    """The expressions of triggers, of which only literals have types, those of activities and of the reference."""
    types = Types.of(parts)
    for raw, expression in parts.reference():
        _expression(raw, ("reference",), expression, types, report)
    for raw, trigger in parts.triggers:
        for place, expression in trigger.reads():
            _expression(raw, place, expression, _NOTHING, report)
    for raw, activity in parts.activities:
        for place, expression in activity.expressions():
            _expression(raw, place, expression, types.within(activity.given(place)), report)
        if isinstance(activity, Rules):
            _cells(raw, activity, types, report)
        _values(raw, activity, types, report)


def _expression(raw: Raw, place: Steps, expression: Expression, types: Types, report: Report) -> None:
    found = typed(expression, types.type_of)
    for one in found.mismatches:
        report_text(raw, place, one.text, one.message, _fix(one.message), report, types.severity(one.paths))
    if is_condition(place) and found.type not in (None, "boolean"):
        message = f"Expected true or false from {expression.text!r}, but it is {WORDS[found.type]}"
        fix = "Compare it with something: a > b"
        report_text(raw, place, expression.text, message, fix, report, types.severity(expression.paths))


def _fix(message: str) -> str:
    """What helps when a text meets a number."""
    told = message.partition(", but ")[2]
    if "a text" in told and "a number" in told:
        return "Write a number without quotes; make one of a text: double(x), or a text of one: string(x)"
    return ""


def _cells(raw: Raw, table: Rules, types: Types, report: Report) -> None:
    """What a cell compares its input with."""
    for name, expression in table.columns().items():
        known = typed(expression, types.type_of).type
        for at, cells in enumerate(table.cells()):
            wrong = [one for one in cells[name].constants if _differs(one, known)] if name in cells else []
            if wrong and known is not None:
                message = f"Expected {WORDS[known]} to compare {name!r} with, but got {show(wrong[0])}"
                place = raw.place(("rules", at, "when", name))
                report.add(place, message, severity=types.severity(expression.paths))


def _differs(value: object, known: str | None) -> bool:
    return known is not None and value is not None and type_of_value(value) != known


def _values(raw: Raw, activity: Activity, types: Types, report: Report) -> None:
    """What an activity sets a declared variable to."""
    for name, place, known in written(activity, types):
        wanted = types.declared.get(name)
        if wanted is not None and known not in (None, wanted, "null"):
            message = f"Expected {WORDS[wanted]} for variable {name!r}, but got {WORDS[known]}"
            report.add(raw.place(place), message, "Declare the variable with that type, or set another one")
