"""Rules of a decision table overlap only where that may be, all can hit, and there is one for all that may come.

Inputs that read the same variables, such as ``t`` and ``t * 2``, may never have the values that two rules overlap for:
then that is a warning.
"""

from typing import Any

from streams.core.activities import Rules
from streams.core.expressions import compile_template
from streams.core.expressions.types import type_of_value
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.rules import Analysis, AxisType, Cell, analyse, axis_of, parse_cell
from streams.core.rules.values import equal
from streams.core.validation.parts import Parts, Severity
from streams.core.validation.typing import Types

_OVERLAP_FIX = {
    "unique": "Narrow one of them, or write another hit_policy: first, priority, any, collect",
    "any": "Give them the same outputs, narrow one of them, or write 'hit_policy: first'",
}
_MAX_OVERLAPS = 10


def check(parts: Parts, report: Report) -> None:
    """Table by table."""
    types = Types.of(parts)
    for raw, activity in parts.activities:
        if isinstance(activity, Rules):
            found = _analysed(activity, types)
            _tell_overlaps(raw, activity, found, report)
            _tell_idle(raw, activity, found, report)
            _tell_gaps(raw, found, report)


def _analysed(table: Rules, types: Types) -> Analysis:
    cells, columns = table.cells(), table.columns()
    axes = []
    for name, expression in columns.items():
        values = table.inputs[name].values if name in table.inputs else None
        known = [row[name] for row in cells if name in row]
        allowed = None if values is None else parse_cell(values)
        axes.append(axis_of(name, known, _types(known, types.axis_of(expression)), allowed))
    rows = [[row.get(name) for name in columns] for row in cells]
    return analyse(axes, rows, table.hit_policy, default=table.default is not None)


def _types(cells: list[Cell], known: AxisType | None) -> list[AxisType]:
    """The type of an input, unless its cells compare it with something else: ``types`` tells of that."""
    wanted = "number" if known == "integer" else known
    fitting = all(value is None or type_of_value(value) == wanted for cell in cells for value in cell.constants)
    return [known] if known is not None and fitting else []


def _tell_overlaps(raw: Raw, table: Rules, found: Analysis, report: Report) -> None:
    told = 0
    severity: Severity = "error" if _are_independent(table) else "warning"
    for overlap in found.overlaps:
        one, two = table.rules[overlap.first - 1], table.rules[overlap.second - 1]
        if table.hit_policy == "any" and (equal(one.then, two.then) or _has_expressions(one.then, two.then)):
            continue
        told += 1
        if told <= _MAX_OVERLAPS:
            names = f"{_name(table, overlap.first)} and {_name(table, overlap.second)}"
            message = f"Rules {names} both hit for {overlap.example}"
            place = raw.place(("rules", overlap.second - 1))
            report.add(place, message, _OVERLAP_FIX[table.hit_policy], severity=severity)


def _tell_idle(raw: Raw, table: Rules, found: Analysis, report: Report) -> None:
    for number in found.empty:
        message = f"Rule {_name(table, number)} never hits: nothing that may come fits its cells"
        report.add(raw.place(("rules", number - 1)), message, "Correct it, or remove it", severity="warning")
    for number, before in found.masked:
        alone = len(before) == 1
        earlier = f"rule {_name(table, before[0])} hits" if alone else f"rules {_names(table, before)} hit"
        message = f"Rule {_name(table, number)} never hits: {earlier} before"
        report.add(raw.place(("rules", number - 1)), message, "Move it up, or remove it", severity="warning")


def _tell_gaps(raw: Raw, found: Analysis, report: Report) -> None:
    for at, gap in enumerate(found.gaps, 1):
        example = f", for example {gap.example}" if gap.example else ""
        more = "; and for more" if found.more_gaps and at == len(found.gaps) else ""
        message = f"No rule hits when {gap.where}{example}{more}: the activity fails then"
        report.add(raw.place(("rules",)), message, "Add a rule, or a 'default:'", severity="warning")
    if found.too_large:
        message = "The table is too large to be checked for gaps"
        report.add(raw.place(("rules",)), message, "Add a 'default:', or split it", severity="warning")


def _are_independent(table: Rules) -> bool:
    names = [name for expression in table.columns().values() for name in expression.names]
    return len(names) == len(set(names))


def _name(table: Rules, number: int) -> str:
    name = table.rules[number - 1].name
    return f"{number} ({name})" if name else str(number)


def _names(table: Rules, numbers: list[int]) -> str:
    names = [_name(table, one) for one in numbers]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _has_expressions(*outputs: dict[str, Any]) -> bool:
    return any(compile_template(one).places for one in outputs)
