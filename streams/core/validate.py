"""Checks that need the whole definition: names, ways, loops.

Each takes the parts that could be read, so that one mistake does not hide the others.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streams.core.activities import Activity, Start
from streams.core.document import Steps
from streams.core.expressions import compile_path
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.suggest import suggest
from streams.core.triggers import Trigger
from streams.core.triggers.redpanda import READING_FIELDS
from streams.core.variables import Variable

RESERVED_NAMES = frozenset({"true", "false", "null", "in", "has", "and", "or", "not", "is", "secrets"})


@dataclass(slots=True)
class Parts:
    """The parts that fit their models, each with where it stands; ``ids`` and ``names`` also of those that did not.

    ``names`` is ``None`` when the variables could not be read at all.
    """

    triggers: Sequence[tuple[Raw, Trigger]]
    variables: Sequence[tuple[Raw, Variable]]
    activities: Sequence[tuple[Raw, Activity]]
    ids: frozenset[str]
    names: frozenset[str] | None


def check(parts: Parts, report: Report) -> None:
    """Problems go to ``report``."""
    _unique([(raw, one.id) for raw, one in parts.activities], "id", "activity", report)
    _unique([(raw, one.name) for raw, one in parts.variables], "name", "variable", report)
    _triggers(parts, report)
    _variables(parts, report)
    _ways(parts, report)
    _names(parts, report)
    if not any(problem.severity == "error" for problem in report.problems):
        _unreachable(parts, report)
        _loops_wait(parts, report)


def _unique(named: Iterable[tuple[Raw, str]], field: str, what: str, report: Report) -> None:
    seen: set[str] = set()
    for raw, name in named:
        if name in seen:
            report.add((*raw.steps, field), f"The {what} {name!r} is there twice", f"Give it another {field}")
        seen.add(name)


def _triggers(parts: Parts, report: Report) -> None:
    modes = {trigger.mode for _, trigger in parts.triggers}
    if len(modes) > 1:
        report.add(
            parts.triggers[-1][0].place(("mode",)),
            "Expected the same 'mode' in all triggers, but got single and parallel",
            "A process is either: one running instance a key, or any number",
        )
    for raw, trigger in parts.triggers:
        for place, expression in trigger.reads():
            for name in sorted(expression.names - set(READING_FIELDS)):
                fix = f"Write fields.{name} or tags.{name}"
                message = f"Unknown name {name!r}: a reading has {', '.join(READING_FIELDS)}"
                _report_name(raw, place, name, message, fix, report)


def _variables(parts: Parts, report: Report) -> None:
    offered = [trigger.sources() for _, trigger in parts.triggers]
    anything = None in offered
    known = sorted(name for names in offered for name in names or ())
    for raw, variable in parts.variables:
        if variable.name in RESERVED_NAMES:
            report.add((*raw.steps, "name"), f"The name {variable.name!r} is reserved", "Choose another one")
        if variable.source is None or anything or not parts.triggers:
            continue
        if not known:
            report.add(
                (*raw.steps, "source"),
                f"Variable {variable.name!r} has a 'source', but no trigger brings readings",
                "Remove 'source', so that the start gives the variable, or add a trigger of type redpanda",
            )
        elif (name := next(iter(compile_path(variable.source).steps), None)) not in known:
            message = f"Expected the source of variable {variable.name!r} to be one of what the triggers bring"
            report.add((*raw.steps, "source"), message, suggest(str(name), known, "source"))
    for raw, activity in parts.activities:
        for name in activity.writes():
            if name in RESERVED_NAMES:
                report.add((*raw.steps, "output"), f"The name {name!r} is reserved", "Choose another one")


def _ways(parts: Parts, report: Report) -> None:
    starts = [(raw, one) for raw, one in parts.activities if isinstance(one, Start)]
    for raw, one in starts[1:]:
        report.add(raw.steps, f"Expected one activity of type start, but {one.id!r} is another", "Remove one of them")
    for raw, activity in parts.activities:
        for field, target in activity.targets().items():
            if target is not None and target not in parts.ids:
                report.add(
                    (*raw.steps, field), f"Unknown activity {target!r}", suggest(target, sorted(parts.ids), "activity")
                )
            elif target is not None and any(target == start.id for _, start in starts):
                report.add((*raw.steps, field), f"Nothing leads back to {target!r}", "Name the activity after it")


def _names(parts: Parts, report: Report) -> None:
    if parts.names is None:
        return
    for raw, activity in parts.activities:
        for place, expression in activity.reads():
            for name in sorted(expression.names - parts.names):
                message = f"Unknown variable {name!r}"
                _report_name(raw, place, name, message, suggest(name, sorted(parts.names), "variable"), report)


def _report_name(raw: Raw, place: Steps, name: str, message: str, fix: str, report: Report) -> None:
    source = _source(raw, place, report)
    found = re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", source)
    report.add(raw.place(place), message, fix, offset=found.start() if found else None)


def _source(raw: Raw, place: Steps, report: Report) -> str:
    value = report.data
    for step in raw.place(place):
        value = value[step]
    return str(value)


def _unreachable(parts: Parts, report: Report) -> None:
    ways = {one.id: [target for target in one.targets().values() if target] for _, one in parts.activities}
    reached: set[str] = set()
    ahead = [one.id for _, one in parts.activities if isinstance(one, Start)]
    while ahead:
        at = ahead.pop()
        if at not in reached:
            reached.add(at)
            ahead += ways[at]
    for raw, activity in parts.activities:
        if activity.id not in reached and activity.type != "end":
            report.add(
                raw.steps,
                f"Nothing leads to activity {activity.id!r}",
                "Name it in a 'next' or a path, or remove it",
                severity="warning",
            )


def _loops_wait(parts: Parts, report: Report) -> None:
    """A loop in which no time passes would run until the step limit stops it."""
    ways = {
        one.id: [] if one.waits() else [target for target in one.targets().values() if target]
        for _, one in parts.activities
    }
    if (loop := _a_loop(ways)) is not None:
        raw = next(raw for raw, one in parts.activities if one.id == loop[0])
        report.add(
            raw.steps,
            f"The loop {' → '.join([*loop, loop[0]])} never waits",
            "Put a timer, a message or a service that a worker performs into it",
        )


def _a_loop(ways: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The ids of one loop, in order: depth first, without recursion."""
    done: set[str] = set()
    for root in ways:
        trail = [root] if root not in done else []
        branches = [iter(ways[root])] if trail else []
        while trail:
            following = next(branches[-1], None)
            if following is None:
                done.add(trail.pop())
                branches.pop()
            elif following in trail:
                return trail[trail.index(following) :]
            elif following not in done:
                trail.append(following)
                branches.append(iter(ways[following]))
    return None
