"""Series of values in the notation of promtool's unit tests, one value an interval.

| text          | values                | |
|---------------|-----------------------|------------------------------------------------------------|
| `20`          | 20                    | |
| `20+1x3`      | 20 21 22 23           | three more, each 1 above the last                           |
| `20-0.5x2`    | 20 19.5 19            | |
| `5x4`         | 5 5 5 5 5             | four more                                                   |
| `_`, `_x3`    | nothing, three times  | no value at that time                                       |
| `1 _ 3+1x2`   | 1, nothing, 3 4 5     | several, with spaces between                                |

Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series.  Its ``stale`` has no
meaning here.  What is no number stands in a list of JSON values instead: ``[alarm, null, report]``, null for nothing.
"""

import re
from decimal import Decimal
from typing import Any

from streams.core.expressions import MISSING

MAX_VALUES = 100_000
"""Of one series."""
MAX_DIGITS = 30
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_RUN = re.compile(rf"(?P<first>[-+]?{_NUMBER})(?:(?P<step>[-+]{_NUMBER})?x(?P<more>\d+))?")
_GAP = re.compile(r"_(?:x(?P<count>\d+))?")
_WORD = re.compile(r"\S+")


class SeriesError(ValueError):
    """A series cannot be read.  ``offset`` counts characters into its text; ``fix`` says what to write."""

    def __init__(self, message: str, offset: int = 0, fix: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.fix = fix


def parse_series(text: str) -> tuple[Any, ...]:
    """The values in ``text``, ``MISSING`` where there is none.  Raises ``SeriesError``."""
    values: list[Any] = []
    for word in _WORD.finditer(text):
        values += _values(word.group(), word.start(), MAX_VALUES - len(values))
    if not values:
        raise SeriesError("Expected values such as '20+1x10', but the text is empty")
    return tuple(values)


def listed(values: list[Any]) -> tuple[Any, ...]:
    """The values of a list, ``MISSING`` where it has null.  Raises ``SeriesError``."""
    if not 0 < len(values) <= MAX_VALUES:
        raise SeriesError(f"Expected from 1 to {MAX_VALUES:,} values, but got {len(values):,}")
    return tuple(MISSING if one is None else one for one in values)


def _values(word: str, offset: int, left: int) -> list[Any]:
    if gap := _GAP.fullmatch(word):
        return [MISSING] * _count(gap["count"] or "1", offset, left)
    run = _RUN.fullmatch(word)
    if run is None:
        raise SeriesError(
            f"Expected a number, a run such as '20+1x10', '5x4', or '_', but got {word[:40]!r}", offset, _fix(word)
        )
    if len(word) > MAX_DIGITS * 3:
        raise SeriesError(f"Expected numbers of at most {MAX_DIGITS} digits", offset)
    count = _count(run["more"] or "0", offset, left - 1) + 1
    whole = all(re.fullmatch(r"[-+]?\d+", part) for part in (run["first"], run["step"] or "0"))
    # Decimal: 20+0.1x3 is 20.3, which adding floats would miss
    first, step = Decimal(run["first"]), Decimal(run["step"] or "0")
    return [int(value) if whole else float(value) for value in (first + number * step for number in range(count))]


def _count(text: str, offset: int, left: int) -> int:
    if len(text) > len(str(MAX_VALUES)) or int(text) > left:
        raise SeriesError(f"Expected at most {MAX_VALUES:,} values in a series", offset, "Shorten it")
    return int(text)


def _fix(word: str) -> str:
    if word == "stale":
        return "Write '_' for no value"
    if re.fullmatch(rf"[-+]?{_NUMBER}[-+]{_NUMBER}", word):
        return f"Say how many more come: '{word}x10'"
    return "What is no number stands in a list: [alarm, null, report]"
