"""What the checks look at, and how they tell of a name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.core.activities import Activity
from streams.core.document import Steps
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.triggers import Trigger
from streams.core.variables import Variable


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


def report_name(raw: Raw, place: Steps, name: str, message: str, fix: str, report: Report) -> None:
    """A problem with ``name`` in the expression at ``place`` of a part, or in the key that it is."""
    steps, source = _source(raw.place(place), report)
    if isinstance(source, dict):
        report.add((*steps, name), message, fix, key=True)
        return
    found = re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", str(source))
    report.add(steps, message, fix, offset=found.start() if found else None)


def _source(steps: Steps, report: Report) -> tuple[Steps, Any]:
    """What is written at ``steps``, or, where that is written shorter, at the last of them that there is."""
    value: Any = report.data
    for at, step in enumerate(steps):
        if not isinstance(value, dict | list):
            return steps[:at], value
        value = value[step]  # type: ignore[index]  # steps fit what is there
    return steps, value
