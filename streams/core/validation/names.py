"""Expressions read variables that there are."""

from streams.core.document import Steps
from streams.core.report import Report
from streams.core.suggest import closest, suggest
from streams.core.validation.parts import Parts, report_name


def check(parts: Parts, report: Report) -> None:
    """Declared ones, those that activities set, and those of the items that an activity is within."""
    if (names := parts.names()) is None:
        return
    for raw, activity in parts.activities:
        for place, expression in activity.expressions():
            known = names.seen_by(raw) | activity.given(place).keys() if expression.names else frozenset()
            for name in sorted(expression.names - known):
                message = f"Unknown variable {name!r}"
                report_name(raw, place, name, message, _fix(place, name, known), report)


def _fix(place: Steps, name: str, known: frozenset[str]) -> str:
    match place:
        case ("rules", _, "when", _) if not closest(name, known):  # a cell: a bare word is a variable there
            return f"Write a text in quotes: '\"{name}\"'"
        case _:
            return suggest(name, sorted(known), "variable")
