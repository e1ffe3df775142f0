"""A variable does not have a name that means something in expressions."""

from collections.abc import Iterator

from streams.core.activities import Activity, Foreach, Place, Transform
from streams.core.report import Report
from streams.core.validation.parts import ERROR, Parts

RESERVED_NAMES = frozenset({"true", "false", "null", "in", "has", "and", "or", "not", "is", "secrets"})


def check(parts: Parts, report: Report) -> None:
    """Declared ones, those that activities set, and those of the elements of lists."""
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
        for place, name in _elements(activity):
            if name in RESERVED_NAMES:
                report.add((*raw.steps, *place), f"The name {name!r} is reserved", "Choose another one")
        if isinstance(activity, Foreach) and activity.index == activity.item:
            message = f"Expected another name than {activity.item!r}, which is that of the item itself"
            report.add((*raw.steps, "index"), message, "Choose another one")


def _elements(activity: Activity) -> Iterator[tuple[Place, str]]:
    """The names that elements of a list have, and where they are given."""
    match activity:
        case Foreach():
            yield ("as",), activity.item
            if activity.index is not None:
                yield ("index",), activity.index
        case Transform():
            yield from ((("map", name, "as"), one.item) for name, one in activity.map.items())
