"""A variable does not have a name that means something in expressions."""

from streams.core.report import Report
from streams.core.validation.parts import ERROR, Parts

RESERVED_NAMES = frozenset({"true", "false", "null", "in", "has", "and", "or", "not", "is", "secrets"})


def check(parts: Parts, report: Report) -> None:
    """Declared ones, and those that activities set."""
    for raw, variable in parts.variables:
        if variable.name in RESERVED_NAMES:
            report.add((*raw.steps, "name"), f"The name {variable.name!r} is reserved", "Choose another one")
        if variable.name == ERROR and any(one.handlers() for _, one in parts.activities):
            message = f"The name {ERROR!r} is that of the error which a handler finds"
            report.add((*raw.steps, "name"), message, "Choose another one")
    for raw, activity in parts.activities:
        for name in activity.writes():
            if name in RESERVED_NAMES:
                report.add((*raw.steps, "output"), f"The name {name!r} is reserved", "Choose another one")
