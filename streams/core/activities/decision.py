"""``decision``: one of two ways, by a condition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from streams.core.activities.base import Guarded, Kind, Node, Place
from streams.core.expressions import Expression, compile_expression
from streams.core.scalars import ActivityId, Condition


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionNode(Node):
    """``condition`` says which of the two activity ids comes next."""

    condition: Expression
    true_path: str
    false_path: str


def _compile(model: Decision) -> DecisionNode:
    return DecisionNode(
        id=model.id,
        condition=compile_expression(model.condition),
        true_path=model.true_path,
        false_path=model.false_path,
    )


DECISION = Kind(Decision, _compile)
