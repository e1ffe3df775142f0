"""The ``source`` of a variable is something that a trigger brings."""

from streams.core.expressions import compile_path
from streams.core.report import Report
from streams.core.suggest import suggest
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Where no trigger says what it brings, anything goes."""
    offered = [trigger.sources() for _, trigger in parts.triggers]
    known = sorted(name for names in offered for name in names or ())
    if None in offered or not parts.triggers:
        return
    for raw, variable in parts.variables:
        if variable.source is None:
            continue
        if not known:
            report.add(
                (*raw.steps, "source"),
                f"Variable {variable.name!r} has a 'source', but no trigger brings readings",
                "Remove 'source', so that the start gives the variable, or add a trigger of type redpanda",
            )
        elif (steps := compile_path(variable.source).steps) and steps[0] not in known:  # no steps, "$": all of it
            message = f"Expected the source of variable {variable.name!r} to be one of what the triggers bring"
            report.add((*raw.steps, "source"), message, suggest(str(steps[0]), known, "source"))
