"""Something reads every variable: the declared ones, and those that the items of a ``foreach`` set."""

from collections.abc import Iterable

from streams.core.activities import Activity
from streams.core.activities.foreach import Foreach
from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """What only people look at is no mistake, hence a warning."""
    read = _read(one for _, one in parts.activities)
    read |= {name for _, expression in parts.reference() for name in expression.names}
    set_to = {name for _, one in parts.activities for name in one.writes()}
    for raw, variable in parts.variables:
        if variable.name not in read | set_to:
            message = f"Nothing reads variable {variable.name!r}"
            report.add((*raw.steps, "name"), message, "Remove it, unless people look at it", severity="warning")
    for _, activity in parts.activities:
        if isinstance(activity, Foreach):
            inside = list(_within(activity.activities))
            wanted = _read(inside) | {activity.collect}
            written = {name: one for one in inside for name in one.writes()}
            for name, one in written.items():
                if name not in wanted:
                    message = f"Nothing reads {name!r}, which {one.id!r} sets: it is gone with its item"
                    place = next(other.steps for other, each in parts.activities if each is one)
                    fix = f"Write 'collect: {name}' and 'output:' in {activity.id!r}, or leave it out"
                    report.add(place, message, fix, severity="warning")


def _read(activities: Iterable[Activity]) -> set[str]:
    return {name for one in activities for _, expression in one.expressions() for name in expression.names}


def _within(activities: Iterable[Activity]) -> Iterable[Activity]:
    for one in activities:
        yield one
        for body in one.bodies().values():
            yield from _within(body)
