"""What the checks look at, and how they tell of a name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from streams.core.activities import Activity
from streams.core.definition import Head
from streams.core.document import Steps
from streams.core.expressions import Expression
from streams.core.expressions.written import find_name
from streams.core.normalise import Raw
from streams.core.reference import Reference
from streams.core.report import Report
from streams.core.triggers import Trigger
from streams.core.variables import Variable

Severity = Literal["error", "warning"]
Read = tuple[Steps, Expression]
"""An expression of a part, and where in the part it stands."""


@dataclass(slots=True)
class Parts:
    """The parts that fit their models, each with where it stands; activities also those within others.

    ``declared`` has the names of the variables, also of those that did not fit; ``None`` when they could not be read.
    ``timeout_ms`` is the process's, ``head`` what holds for all of it, ``None`` where that did not fit.
    """

    triggers: Sequence[tuple[Raw, Trigger]]
    variables: Sequence[tuple[Raw, Variable]]
    activities: Sequence[tuple[Raw, Activity]]
    declared: frozenset[str] | None
    timeout_ms: int | None = None
    head: tuple[Raw, Head] | None = None

    def reference(self) -> list[tuple[Raw, Expression]]:
        """The expressions of the process's ``reference``, which stand at the field ``reference`` of the part."""
        if self.head is None or (text := self.head[1].reference) is None:
            return []
        return [(self.head[0], one) for one in Reference(text).expressions]

    def names(self) -> "Names | None":
        """The variables that activities see."""
        return None if self.declared is None else Names(self.declared, self.activities)


ERROR = "error"
"""The variable that a handler finds."""


class Names:
    """Which variables an activity sees: the process's, and those of the items that it is within."""

    def __init__(self, declared: frozenset[str], activities: Sequence[tuple[Raw, Activity]]) -> None:
        self._own: dict[Raw | None, set[str]] = {None: set(declared)}
        """By the activity of whose items they are."""
        self._handled = any(one.handlers() for _, one in activities)
        for raw, one in activities:
            if (names := one.item_names()) is not None:
                self._own[raw] = set(names)
        for raw, one in activities:
            self._own[next(self._around(raw))].update(one.writes())

    def seen_by(self, raw: Raw) -> frozenset[str]:
        """All that an activity may read."""
        names = {name for owner in self._around(raw) for name in self._own[owner]}
        return frozenset(names | {ERROR} if self._handled else names)

    def are_known_in(self, raw: Raw) -> bool:
        """Not within a ``foreach`` that did not fit: what its items are called is not known."""
        assert raw.body is not None
        loops = [owner for _, owner in raw.body.owners() if owner.content.get("type") == "foreach"]
        return all(one in self._own for one in loops)

    def _around(self, raw: Raw) -> Iterator[Raw | None]:
        """The activities whose items it is within, the innermost first, and the process."""
        assert raw.body is not None
        for body, owner in raw.body.owners():
            if owner in self._own and body.place == ("activities",):
                yield owner
        yield None


def is_condition(place: Steps) -> bool:
    """Is the expression at ``place`` of an activity one that must be true or false?"""
    match place:
        case ("condition",) | ("cases", _, "when") | ("map", _, "where"):
            return True
        case _:  # a variable or a key of a payload may have such a name, too
            return False


def report_name(raw: Raw, read: Read, name: str, message: str, fix: str, report: Report) -> None:
    """A problem with ``name`` in an expression of a part, or in the key that it is."""
    place, expression = read
    steps, source = _source(raw.place(place), report)
    if isinstance(source, dict):
        report.add((*steps, name), message, fix, key=True)
        return
    report.add(steps, message, fix, offset=find_name(str(source), expression, name))


def report_text(
    raw: Raw, place: Steps, text: str, message: str, fix: str, report: Report, severity: Severity = "error"
) -> None:
    """A problem with a part of the expression at ``place``, pointed at where it is written like this."""
    steps, source = _source(raw.place(place), report)
    at = str(source).find(text)
    report.add(steps, message, fix, offset=at if at >= 0 else None, severity=severity)


def _source(steps: Steps, report: Report) -> tuple[Steps, Any]:
    """What is written at ``steps``, or, where that is written shorter, at the last of them that there is."""
    value: Any = report.data
    for at, step in enumerate(steps):
        if not isinstance(value, dict | list):
            return steps[:at], value
        if isinstance(value, dict) and step not in value:  # it stands under another name: `candidate_users`
            return steps, ""
        value = value[step]  # type: ignore[index]  # steps fit what is there
    return steps, value
