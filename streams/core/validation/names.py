"""Expressions read variables that there are."""

from streams.core.document import Steps
from streams.core.report import Report
from streams.core.suggest import closest, suggest
from streams.core.validation.parts import Parts, report_name


def check(parts: Parts, report: Report) -> None:
    """Declared ones, those that activities set, and those of the items that an activity is within.

    The process's ``reference`` is made at its start, when there are only declared ones.
    """
    if (names := parts.names()) is None:
        return
    for raw, activity in parts.activities:
        if not names.are_known_in(raw):
            continue
        for place, expression in activity.expressions():
            known = names.seen_by(raw) | activity.given(place).keys() if expression.names else frozenset()
            for name in sorted(expression.names - known):
                message = f"Unknown variable {name!r}"
                report_name(raw, (place, expression), name, message, _fix(place, name, known), report)
    _reference(parts, report)


def _reference(parts: Parts, report: Report) -> None:
    declared = parts.declared or frozenset()
    later = {name for _, activity in parts.activities for name in activity.writes()}
    for raw, expression in parts.reference():
        for name in sorted(expression.names - declared):
            if name in later:
                message = f"Expected a variable that there is at the start, but an activity sets {name!r}"
                fix = "Declare it under 'variables:', or leave it out: the reference is made once, at the start"
            else:
                message, fix = f"Unknown variable {name!r}", suggest(name, sorted(declared), "variable")
            report_name(raw, (("reference",), expression), name, message, fix, report)


def _fix(place: Steps, name: str, known: frozenset[str]) -> str:
    match place:
        case ("rules", _, "when", _) if not closest(name, known):  # a cell: a bare word is a variable there
            return f"Write a text in quotes: '\"{name}\"'"
        case _:
            return suggest(name, sorted(known), "variable")
