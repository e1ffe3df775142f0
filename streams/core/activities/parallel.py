"""``parallel``: several branches at once, which share the process's variables.

```yaml
- id: both
  type: parallel
  join: all                     # all, any, or how many branches must come to their end; the others are cancelled
  branches:
    pump: [{id: stop_pump, type: service, …}]
    fan: [{id: fan_off, type: service, …}, {id: cooled, type: timer, duration: 1m}]
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities.base import Body, Continuing, Kind, Node
from streams.core.scalars import ActivityId

MAX_BRANCHES = 100


class Parallel(Continuing):
    """A branch that ends early waits for the others; one that fails ends them all."""

    body_fields: ClassVar[Mapping[str, bool]] = {**Continuing.body_fields, "branches": True}

    type: Literal["parallel"]
    branches: Annotated[dict[ActivityId, Body], Field(max_length=MAX_BRANCHES)]
    join: Annotated[int, Field(ge=1)] | Literal["all", "any"] = "all"

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if isinstance(self.join, int) and self.join > len(self.branches) > 0:
            message = "Expected 'join' to be at most {count}, as many as there are branches, but got {join}"
            context = {"count": len(self.branches), "join": self.join, "field": "join"}
            raise PydanticCustomError("join", message, context)
        return self

    def waits(self) -> bool:
        return any(one.waits() for body in self.branches.values() for one in body)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelNode(Node):
    """``branches`` are (name, first activity); ``join`` is how many must come to their end."""

    branches: tuple[tuple[str, str], ...]
    join: int


def _compile(model: Parallel) -> ParallelNode:
    branches = tuple((name, body[0].id) for name, body in model.branches.items())
    join = model.join if isinstance(model.join, int) else {"all": len(branches), "any": 1}[model.join]
    return ParallelNode(id=model.id, next=model.next, branches=branches, join=join)


PARALLEL = Kind(Parallel, _compile)
