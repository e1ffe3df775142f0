"""The values of one input of a table, as far as its cells tell them apart: one sample of each kind.

Of numbers these are every bound and one number between each two, of texts all that are named and another one, true and
false, and null where a cell names it.  A cell that holds for a sample holds for all values of its kind.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from streams.core.expressions import ExpressionError
from streams.core.expressions.explain import show
from streams.core.rules.cells import Cell
from streams.core.rules.values import is_number

AxisType = Literal["number", "integer", "string", "boolean"]


class Sample(NamedTuple):
    """``kind``: one value, a range of numbers, or other values than those that are named, told as ``words``."""

    kind: Literal["value", "range", "other"]
    value: Any
    low: float = -math.inf
    high: float = math.inf
    words: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """A *mask* is a set of samples, a bit each."""

    name: str
    samples: tuple[Sample, ...]
    _masks: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def all(self) -> int:
        """The mask of all samples."""
        return (1 << len(self.samples)) - 1

    def surely(self, cell: Cell | None) -> int:
        """The samples that ``cell`` holds for, whatever the variables are."""
        return self._mask(cell) if cell is None or cell.known else 0

    def maybe(self, cell: Cell | None) -> int:
        """The samples that ``cell`` may hold for."""
        return self._mask(cell) if cell is None or cell.known else self.all

    def told(self, mask: int) -> str:
        """The samples of ``mask`` in words: ``temperature is in (20..30]``; nothing when they are all."""
        return "" if mask == self.all else f"{self.name} is {' or '.join(self._words(mask))}"

    def example(self, mask: int) -> str:
        """One value of ``mask``, and of whom: ``temperature = 25``; nothing when any will do."""
        chosen = [self.samples[at] for at in bits(mask)]
        return "" if mask == self.all else f"{self.name} = {show(chosen[len(chosen) // 2].value)}"

    def is_one(self, mask: int) -> bool:
        """Do its words tell the one value, or any?"""
        return mask == self.all or all(self.samples[at].kind == "value" for at in bits(mask))

    def _mask(self, cell: Cell | None) -> int:
        if cell is None:
            return self.all
        if cell.text not in self._masks:
            held = (1 << at for at, sample in enumerate(self.samples) if holds(cell, sample.value))
            self._masks[cell.text] = sum(held)
        return self._masks[cell.text]

    def _words(self, mask: int) -> Iterator[str]:
        """Neighbouring numbers are one range."""
        run: list[Sample] = []
        for at in bits(mask):
            sample = self.samples[at]
            number = is_number(sample.value) and not sample.words
            if run and not (number and self.samples[at - 1] is run[-1]):
                yield _range(run)
                run = []
            if number:
                run.append(sample)
            else:
                yield sample.words or show(sample.value)
        if run:
            yield _range(run)


def axis_of(name: str, cells: Iterable[Cell], types: Iterable[AxisType], allowed: Cell | None = None) -> Axis:
    """The axis of an input of one of the ``types``, any when there are none; ``allowed`` is a cell that its values
    fit.
    """
    told = [*cells, *([] if allowed is None else [allowed])]
    constants = [value for cell in told for value in cell.constants]
    wanted = set(types) or {_type(value) for value in constants} - {None}
    samples: list[Sample] = []
    if wanted & {"number", "integer"}:
        numbers = sorted({float(value) for value in constants if is_number(value)})
        samples += _integers(numbers) if "number" not in wanted else _numbers(numbers)
    if "string" in wanted:
        texts = sorted({value for value in constants if isinstance(value, str)})
        samples += _ordered_texts(texts) if texts and any(cell.compares for cell in told) else _texts(texts)
    if "boolean" in wanted:
        samples += [Sample("value", True), Sample("value", False)]
    if any(value is None for value in constants):
        samples += [*([] if wanted else [Sample("other", 0, words="a value")]), Sample("value", None)]
    if allowed is not None:
        samples = [one for one in samples if holds(allowed, one.value)]
    return Axis(name, tuple(samples) or (Sample("other", None),))


def holds(cell: Cell, value: Any) -> bool:
    """Does a cell that reads no variables hold for ``value``?  Not when it cannot be compared."""
    try:
        return cell.holds(value, {})
    except ExpressionError:
        return False


def bits(mask: int) -> list[int]:
    """The numbers of the bits that are set."""
    return [at for at in range(mask.bit_length()) if mask >> at & 1]


def _type(value: Any) -> AxisType | None:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _:
            return None


def _numbers(bounds: Sequence[float]) -> list[Sample]:
    if not bounds:
        return [Sample("range", 0)]
    samples = [_between(-math.inf, bounds[0], bounds[0] - 1)]
    for low, high in zip(bounds, [*bounds[1:], math.inf], strict=True):
        samples += [Sample("value", _plain(low), low, low)]
        samples += [_between(low, high, low + 1 if high == math.inf else (low + high) / 2)]
    return samples


def _integers(bounds: Sequence[float]) -> list[Sample]:
    """What lies between two bounds and is whole."""
    samples = []
    for sample in _numbers(bounds):
        low, high = math.floor(sample.value), math.ceil(sample.value)
        whole = next((one for one in (low, high) if sample.low < one < sample.high or one == sample.value), None)
        if whole is not None:
            samples.append(sample._replace(value=whole))
    return samples


def _between(low: float, high: float, value: float) -> Sample:
    return Sample("range", _plain(value), low, high)


def _plain(number: float) -> float:
    return int(number) if number.is_integer() else number


def _texts(named: Sequence[str]) -> list[Sample]:
    other = "other"
    while other in named:
        other += "s"
    words = "another text" if named else "a text"
    return [*(Sample("value", text) for text in named), Sample("other", other, words=words)]


def _ordered_texts(named: Sequence[str]) -> list[Sample]:
    samples = [Sample("other", "", words=f"a text before {show(named[0])}")] if named[0] > "" else []
    for text, following in zip(named, [*named[1:], None], strict=True):
        samples.append(Sample("value", text))
        after = text + " "
        if following is None or after < following:
            samples.append(Sample("other", after, words=f"a text after {show(text)}"))
    return samples


def _range(run: Sequence[Sample]) -> str:
    first, last = run[0], run[-1]
    low, high = _plain_or_none(first.low), _plain_or_none(last.high)
    if first is last and first.kind == "value":
        return show(first.value)
    if low is None:
        return f"{'up to' if last.kind == 'value' else 'below'} {high}"
    if high is None:
        return f"{'from' if first.kind == 'value' else 'above'} {low}{' up' * (first.kind == 'value')}"
    return f"in {'[' if first.kind == 'value' else '('}{low}..{high}{']' if last.kind == 'value' else ')'}"


def _plain_or_none(bound: float) -> float | None:
    return _plain(bound) if math.isfinite(bound) else None
