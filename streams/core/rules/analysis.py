"""What is wrong with a table before anybody has asked it: rows that overlap, inputs that no row is for, rows that never
hit.

A row is a box: for each input the samples (``axis``) that its cell holds for.  Cells that read variables are unknown:
a row with one may hit and may not, so it neither proves an overlap nor leaves a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import or_

from streams.core.rules.axis import Axis, bits
from streams.core.rules.cells import Cell
from streams.core.rules.table import HitPolicy

MAX_GAPS = 3
MAX_VISITS = 5_000
"""Steps of a search; beyond, the table is too large for it."""

_Box = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows, by number from 1, and inputs for which both hit, in words."""

    first: int
    second: int
    example: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Inputs that no row is for, in words, and one of them where the words leave a choice."""

    where: str
    example: str


@dataclass(slots=True)
class Analysis:
    """``masked`` holds, for rows that never hit since earlier ones do, the numbers of those; ``empty`` the rows that
    hit for no input.
    """

    overlaps: list[Overlap] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    more_gaps: bool = False
    too_large: bool = False
    masked: list[tuple[int, list[int]]] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)


def analyse(
    axes: Sequence[Axis], rows: Sequence[Sequence[Cell | None]], policy: HitPolicy, *, default: bool
) -> Analysis:
    """``rows`` have a cell, or none, for each axis."""
    surely = [tuple(axis.surely(cell) for axis, cell in zip(axes, row, strict=True)) for row in rows]
    maybe = [tuple(axis.maybe(cell) for axis, cell in zip(axes, row, strict=True)) for row in rows]
    analysis = Analysis(empty=[number for number, box in enumerate(maybe, 1) if not all(box)])
    if policy in ("unique", "any"):
        analysis.overlaps = _overlaps(axes, surely)
    if policy == "first":
        analysis.masked = _masked(axes, surely, maybe)
    if policy != "collect" and not default:
        gaps = _uncovered(axes, maybe, tuple(axis.all for axis in axes), (1 << len(rows)) - 1)
        analysis.too_large = gaps is None
        analysis.gaps = [Gap(_words(axes, box), _choice(axes, box)) for box in (gaps or [])[:MAX_GAPS]]
        analysis.more_gaps = len(gaps or ()) > MAX_GAPS
    return analysis


def _overlaps(axes: Sequence[Axis], boxes: Sequence[_Box]) -> list[Overlap]:
    columns = _columns(axes, boxes)
    found = []
    for at, box in enumerate(boxes):
        for before in bits(_meeting(box, columns) & ((1 << at) - 1)):
            both = tuple(one & two for one, two in zip(box, boxes[before], strict=True))
            found.append(Overlap(before + 1, at + 1, _example(axes, both) or "any input"))
    return found


def _masked(axes: Sequence[Axis], surely: Sequence[_Box], maybe: Sequence[_Box]) -> list[tuple[int, list[int]]]:
    columns = _columns(axes, surely)
    masked = []
    earlier = 0
    for at, box in enumerate(maybe):
        before = _meeting(box, columns) & earlier
        if all(box) and before and _uncovered(axes, surely, box, before) == []:
            masked.append((at + 1, [one + 1 for one in bits(before)]))
        else:
            earlier |= 1 << at
    return masked


def _columns(axes: Sequence[Axis], boxes: Sequence[_Box]) -> list[list[int]]:
    """For each axis and sample, the rows that hold for it: a bit each."""
    return [
        [sum(1 << row for row, box in enumerate(boxes) if box[depth] >> at & 1) for at in range(len(axis.samples))]
        for depth, axis in enumerate(axes)
    ]


def _meeting(box: _Box, columns: list[list[int]]) -> int:
    """The rows that have something in common with ``box``."""
    rows = -1
    for mask, column in zip(box, columns, strict=True):
        rows &= reduce(or_, (column[at] for at in bits(mask)), 0)
    return rows


def _uncovered(axes: Sequence[Axis], boxes: Sequence[_Box], within: _Box, rows: int) -> list[_Box] | None:
    """A few boxes of what none of ``rows`` covers ``within`` a box; ``None`` when there is too much to look at.

    Axis by axis; values that the same rows are left for are one step, and what is known is not asked again.
    """
    columns = _columns(axes, boxes)
    known: dict[tuple[int, int], list[_Box]] = {}

    def found(depth: int, left: int) -> list[_Box]:
        if not left:
            return [within[depth:]]
        if depth == len(axes):
            return []
        if (depth, left) not in known:
            if len(known) == MAX_VISITS:
                raise _TooLargeError
            steps: dict[int, int] = {}
            for at in bits(within[depth]):
                after = left & columns[depth][at]
                steps[after] = steps.get(after, 0) | 1 << at
            gaps = ((mask, *rest) for after, mask in steps.items() for rest in found(depth + 1, after))
            known[depth, left] = list(islice(gaps, MAX_GAPS + 1))
        return known[depth, left]

    try:
        return found(0, rows)
    except _TooLargeError:
        return None


class _TooLargeError(Exception):
    pass


def _words(axes: Sequence[Axis], box: _Box) -> str:
    told = [axis.told(mask) for axis, mask in zip(axes, box, strict=True)]
    return " and ".join(filter(None, told)) or "anything"


def _choice(axes: Sequence[Axis], box: _Box) -> str:
    one = all(axis.is_one(mask) for axis, mask in zip(axes, box, strict=True))
    return "" if one else _example(axes, box)


def _example(axes: Sequence[Axis], box: _Box) -> str:
    return ", ".join(filter(None, (axis.example(mask) for axis, mask in zip(axes, box, strict=True))))
