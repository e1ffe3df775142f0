"""Checks that need the whole definition, one a file.

Each is a function ``check(parts, report)`` that tells its problems to ``report``.  ``PART_CHECKS`` take what could be
read, so that one mistake does not hide the others; ``WHOLE_CHECKS`` need a definition without errors.
"""

from collections.abc import Callable

from streams.core.report import Report
from streams.core.validation import (
    both_fire,
    compensations,
    conditions,
    correlations,
    loops,
    names,
    overlaps,
    reachable,
    reserved,
    results,
    sources,
    tables,
    timeouts,
    triggers,
    types,
    unevaluated,
    unique,
    unused,
    ways,
)
from streams.core.validation.parts import Parts

Check = Callable[[Parts, Report], None]

PART_CHECKS: dict[str, Check] = {
    "unique": unique.check,
    "triggers": triggers.check,
    "reserved": reserved.check,
    "results": results.check,
    "sources": sources.check,
    "ways": ways.check,
    "names": names.check,
    "correlations": correlations.check,
    "tables": tables.check,
    "types": types.check,
}
WHOLE_CHECKS: dict[str, Check] = {
    "reachable": reachable.check,
    "loops": loops.check,
    "overlaps": overlaps.check,
    "conditions": conditions.check,
    "both_fire": both_fire.check,
    "timeouts": timeouts.check,
    "unused": unused.check,
    "unevaluated": unevaluated.check,
    "compensations": compensations.check,
}

__all__ = ["PART_CHECKS", "WHOLE_CHECKS", "Check", "Parts", "check"]


def check(parts: Parts, report: Report) -> None:
    """All checks."""
    for one in PART_CHECKS.values():
        one(parts, report)
    if any(problem.severity == "error" for problem in report.problems):
        return
    for one in WHOLE_CHECKS.values():
        one(parts, report)
