"""Expressions read variables that there are."""

from streams.core.report import Report
from streams.core.suggest import suggest
from streams.core.validation.parts import Parts, report_name


def check(parts: Parts, report: Report) -> None:
    """Declared ones, and those that activities set."""
    if parts.names is None:
        return
    for raw, activity in parts.activities:
        for place, expression in activity.reads():
            for name in sorted(expression.names - parts.names - activity.given(place).keys()):
                message = f"Unknown variable {name!r}"
                report_name(raw, place, name, message, suggest(name, sorted(parts.names), "variable"), report)
