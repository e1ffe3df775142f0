"""Activity ``clamp``: keep a variable within limits.

```yaml
- {id: safe, type: clamp, variable: setpoint, min: 15, max: 28}
```
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities import Continuing, Kind, Node, Place
from streams.core.expressions import Expression, ExpressionError, compile_expression
from streams.core.flow.flow import Flow
from streams.core.scalars import VariableName
from streams.extensions.offers import ActivityKind


class Clamp(Continuing):
    """``min`` and ``max`` belong to what is allowed."""

    type: Literal["clamp"]
    variable: VariableName
    min: float | int
    max: float | int

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> Self:
        if self.min > self.max:
            details = {"min": self.min, "max": self.max, "field": "min"}
            raise PydanticCustomError("clamp", "Expected 'min' up to 'max' ({max}), but got {min}", details)
        return self

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return [(("variable",), compile_expression(self.variable))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClampNode(Node):
    """``low`` and ``high`` are the limits."""

    variable: str
    low: float
    high: float


def enter(flow: Flow, node: ClampNode, token: str | None) -> str | None:
    """Store the nearest number that is allowed."""
    execution = flow.begin(node, "clamp", token)
    flow.refresh([node.variable], token)
    value = flow.variables(token)[node.variable]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ExpressionError(f"Expected a number in '{node.variable}', but got {value!r:.80}")
    flow.emit("activity_completed", {"execution": execution}, node.id, token)
    flow.store({node.variable: min(max(value, node.low), node.high)}, token)
    return flow.leave(node, execution, token)


def compile_clamp(model: Clamp) -> ClampNode:
    """What runs."""
    return ClampNode(id=model.id, next=model.next, variable=model.variable, low=model.min, high=model.max)


OFFER = ActivityKind(Kind(Clamp, compile_clamp), ClampNode, enter)
