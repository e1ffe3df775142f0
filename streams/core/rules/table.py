"""A decision table at run time: which rows hit, and what comes of it.

| hit policy | how many rows may hit | the result |
|---|---|---|
| ``unique`` | one | that row's outputs |
| ``first`` | any number | those of the first |
| ``any`` | any number, with the same outputs | those of one of them |
| ``priority`` | any number | those of the row whose outputs stand first in the lists of their ``values`` |
| ``collect`` | any number | the list of all, or their sum, min, max or count |

A row's outputs are an object; those of a table with one output are that value itself, as in DMN.  Where no row hits,
the default is the result; without one that is an error, but for ``collect``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from streams.core.expressions import Expression, ExpressionError, Template
from streams.core.expressions.explain import show
from streams.core.rules.cells import Cell
from streams.core.rules.values import equal, is_number

HitPolicy = Literal["unique", "first", "priority", "any", "collect"]
Aggregation = Literal["sum", "min", "max", "count"]

_Scope = Mapping[str, Any]
_Choice = Callable[["Table", Sequence[int], _Scope], tuple[int, dict[str, Any]]]
_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "min": lambda numbers: min(numbers, default=None),
    "max": lambda numbers: max(numbers, default=None),
}


class RulesError(ValueError):
    """The hits are not what the table's policy allows; the message names the rows.

    ``Table.evaluate`` fills in ``inputs`` and ``hits``.
    """

    inputs: Mapping[str, Any]
    hits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """``cells`` are by input; an input without one may be anything.  ``outputs`` renders to an object."""

    name: str | None
    cells: tuple[tuple[str, Cell], ...]
    outputs: Template


@dataclass(frozen=True, slots=True)
class Outcome:
    """``hits`` are the numbers of the rows that hit, from 1; ``used`` is the one whose outputs are the result."""

    inputs: dict[str, Any]
    hits: tuple[int, ...]
    used: int | None
    result: Any


@dataclass(frozen=True, slots=True)
class Table:
    """``priorities`` holds the values of outputs, the most important first."""

    inputs: tuple[tuple[str, Expression], ...]
    outputs: tuple[str, ...]
    rows: tuple[Row, ...]
    policy: HitPolicy
    aggregation: Aggregation | None = None
    priorities: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    default: Template | None = None

    def evaluate(self, variables: Mapping[str, Any]) -> Outcome:
        """Raises ``ExpressionError`` when a cell cannot be asked, ``RulesError`` when the policy does not allow the
        hits.
        """
        inputs = {name: expression.evaluate(variables) for name, expression in self.inputs}
        scope = {**variables, **inputs}
        hits = self._hits(inputs, scope)
        try:
            return self._outcome(inputs, hits, scope)
        except RulesError as error:
            error.inputs, error.hits = inputs, hits
            raise

    def _outcome(self, inputs: dict[str, Any], hits: tuple[int, ...], scope: _Scope) -> Outcome:
        if self.policy == "collect":
            return Outcome(inputs, hits, None, self._collected(hits, scope))
        if not hits:
            if self.default is None:
                told = ", ".join(f"{name} is {show(value)}" for name, value in inputs.items())
                raise RulesError(f"Expected a rule that hits, but none does: {told}")
            return Outcome(inputs, hits, None, self._shaped(self.default.render(scope)))
        used, outputs = self._CHOICES[self.policy](self, hits, scope)
        return Outcome(inputs, hits, used, self._shaped(outputs))

    def told(self, *numbers: int) -> str:
        """Rows in a message: ``2 and 4 (too hot)``."""
        names = [f"{one} ({name})" if (name := self.rows[one - 1].name) else str(one) for one in numbers]
        return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)

    def _hits(self, inputs: Mapping[str, Any], scope: _Scope) -> tuple[int, ...]:
        hits = []
        for number, row in enumerate(self.rows, 1):
            for name, cell in row.cells:
                try:
                    if not cell.holds(inputs[name], scope):
                        break
                except ExpressionError as error:
                    raise ExpressionError(f"rule {self.told(number)}: {name}: {error}") from error
            else:
                hits.append(number)
                if self.policy == "first":
                    break
        return tuple(hits)

    def _outputs(self, number: int, scope: _Scope) -> dict[str, Any]:
        try:
            rendered: dict[str, Any] = self.rows[number - 1].outputs.render(scope)
        except ExpressionError as error:
            raise ExpressionError(f"rule {self.told(number)}: {error}") from error
        return rendered

    def _shaped(self, outputs: dict[str, Any]) -> Any:
        return outputs[self.outputs[0]] if len(self.outputs) == 1 else outputs

    def _collected(self, hits: Sequence[int], scope: _Scope) -> Any:
        if self.aggregation == "count":
            return len(hits)
        results = [self._shaped(self._outputs(number, scope)) for number in hits]
        if self.aggregation is None:
            return results
        for number, value in zip(hits, results, strict=True):
            if not is_number(value):
                raise RulesError(
                    f"Expected a number for {self.aggregation} from rule {self.told(number)}, but got {show(value)}"
                )
        return _AGGREGATES[self.aggregation](results)

    def _only(self, hits: Sequence[int], scope: _Scope) -> tuple[int, dict[str, Any]]:
        if len(hits) > 1:
            raise RulesError(f"Expected one rule to hit (hit_policy unique), but rules {self.told(*hits)} do")
        return hits[0], self._outputs(hits[0], scope)

    def _first(self, hits: Sequence[int], scope: _Scope) -> tuple[int, dict[str, Any]]:
        return hits[0], self._outputs(hits[0], scope)

    def _same(self, hits: Sequence[int], scope: _Scope) -> tuple[int, dict[str, Any]]:
        outputs = self._outputs(hits[0], scope)
        for number in hits[1:]:
            if not equal(other := self._outputs(number, scope), outputs):
                raise RulesError(
                    f"Expected the same outputs of all rules that hit (hit_policy any), but rules "
                    f"{self.told(hits[0], number)} give {show(outputs)} and {show(other)}"
                )
        return hits[0], outputs

    def _most_important(self, hits: Sequence[int], scope: _Scope) -> tuple[int, dict[str, Any]]:
        ranked = [(number, self._outputs(number, scope)) for number in hits]
        return min(ranked, key=lambda one: self._rank(*one))

    def _rank(self, number: int, outputs: Mapping[str, Any]) -> list[int]:
        ranks = []
        for name, values in self.priorities:
            rank = next((at for at, value in enumerate(values) if equal(value, outputs[name])), None)
            if rank is None:
                raise RulesError(
                    f"Expected {name!r} of rule {self.told(number)} to be one of its values, "
                    f"but got {show(outputs[name])}"
                )
            ranks.append(rank)
        return ranks

    _CHOICES: ClassVar[dict[str, _Choice]] = {
        "unique": _only,
        "first": _first,
        "any": _same,
        "priority": _most_important,
    }
