"""No two activities have one id, no two variables one name."""

from collections.abc import Iterable

from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """The second one of a name is the mistake."""
    _unique([(raw, one.id) for raw, one in parts.activities], "id", "activity", report)
    _unique([(raw, one.name) for raw, one in parts.variables], "name", "variable", report)


def _unique(named: Iterable[tuple[Raw, str]], field: str, what: str, report: Report) -> None:
    seen: set[str] = set()
    for raw, name in named:
        if name in seen:
            report.add((*raw.steps, field), f"The {what} {name!r} is there twice", f"Give it another {field}")
        seen.add(name)
