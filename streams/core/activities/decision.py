"""``decision``: one of two ways, by a condition; or one of several, by the first case that holds.

```yaml
- {id: check, type: decision, condition: temperature > 30, true_path: cool, false_path: end}
- id: route
  type: decision
  cases:
    - {when: temperature > 30, next: cool}
    - {when: temperature > 20, next: watch}
  default: end
```
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from streams.core.activities.base import Activity, Guarded, Kind, Node, Place
from streams.core.expressions import Expression, compile_expression
from streams.core.scalars import ActivityId, Condition, Part

MAX_CASES = 100


class Decision(Guarded):
    """Both ways are named, so that reading one decision tells where it leads."""

    branch_fields: ClassVar[tuple[str, ...]] = ("true_path", "false_path")

    type: Literal["decision"]
    condition: Condition
    true_path: ActivityId
    false_path: ActivityId

    def targets(self) -> Mapping[str, str | None]:
        return {"true_path": self.true_path, "false_path": self.false_path}

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return ((("condition",), compile_expression(self.condition)),)


class Case(Part):
    """Where the decision leads when no case above it holds, but this one."""

    when: Condition
    next: ActivityId


class Cases(Guarded):
    """A decision of several ways; ``default`` is where it leads when no case holds."""

    branch_fields: ClassVar[tuple[str, ...]] = ("cases", "default")

    type: Literal["decision"]
    cases: Annotated[tuple[Case, ...], Field(strict=False, min_length=1, max_length=MAX_CASES)]
    default: ActivityId

    def targets(self) -> Mapping[str, str | None]:
        return {"default": self.default}

    def ways(self) -> Mapping[Place, str]:
        cases: dict[Place, str] = {("cases", at, "next"): one.next for at, one in enumerate(self.cases)}
        return {**cases, **super().ways()}

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return [(("cases", at, "when"), compile_expression(one.when)) for at, one in enumerate(self.cases)]


def decision_model(content: Any) -> type[Activity]:
    """The model of a decision in this form."""
    return Cases if "cases" in content else Decision


def _form(value: Any) -> str:
    named = "cases" in value if isinstance(value, Mapping) else isinstance(value, Cases)
    return "cases" if named else "condition"


AnyDecision: Any = Annotated[
    Annotated[Decision, Tag("condition")] | Annotated[Cases, Tag("cases")], Discriminator(_form)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionNode(Node):
    """``condition`` says which of the two activity ids comes next."""

    condition: Expression
    true_path: str
    false_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesNode(Node):
    """``cases`` are conditions, each with the id of the activity that comes next when it is the first that holds."""

    cases: tuple[tuple[Expression, str], ...]
    default: str


def _compile(model: Decision | Cases) -> DecisionNode | CasesNode:
    if isinstance(model, Cases):
        cases = tuple((compile_expression(one.when), one.next) for one in model.cases)
        return CasesNode(id=model.id, cases=cases, default=model.default)
    return DecisionNode(
        id=model.id,
        condition=compile_expression(model.condition),
        true_path=model.true_path,
        false_path=model.false_path,
    )


DECISION = Kind(Decision, _compile)
