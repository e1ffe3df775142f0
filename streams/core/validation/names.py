"""Expressions read variables that there are."""

from streams.core.report import Report
from streams.core.suggest import suggest
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
                report_name(raw, place, name, message, suggest(name, sorted(known), "variable"), report)
