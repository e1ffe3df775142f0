"""``foreach``: the same activities for each item of a list.

```yaml
- id: each_room
  type: foreach
  items: rooms                  # an expression that yields a list of at most 1,000
  as: room                      # default: item
  index: i                      # optional: the item's position, from 0
  concurrency: 4                # how many items at once, default 1
  activities: [{id: vent, type: service, …, output: result}]
  collect: result               # optional: the variable of an item whose values, in the items' order …
  output: results               # … become this one
```

What an item's activities set are variables of that item, over those of the process.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities.base import Body, Continuing, Kind, Node, Place
from streams.core.expressions import Expression, compile_expression
from streams.core.scalars import ExpressionText, VariableName

MAX_CONCURRENCY = 1_000


def _written_out(items: Any) -> Any:
    if isinstance(items, list):
        fix = f"Write it in quotes: items: '{json.dumps(items, ensure_ascii=False)}'"
        raise PydanticCustomError("foreach", "Expected an expression that yields a list, but got a list", {"fix": fix})
    return items


class Foreach(Continuing):
    """An item that fails ends them all; what it may go on without, its own activities handle."""

    body_fields: ClassVar[Mapping[str, bool]] = {**Continuing.body_fields, "activities": False}

    type: Literal["foreach"]
    items: Annotated[ExpressionText, BeforeValidator(_written_out)]
    item: Annotated[VariableName, Field(alias="as")] = "item"
    index: VariableName | None = None
    concurrency: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY)] = 1
    activities: Body
    collect: VariableName | None = None
    output: VariableName | None = None

    @model_validator(mode="after")
    def _collects_what_it_puts_out(self) -> Self:
        if (self.collect is None) != (self.output is None):
            there, lacking = ("output", "collect") if self.collect is None else ("collect", "output")
            message = "Expected '{lacking}' beside '{there}'"
            raise PydanticCustomError("foreach", message, {"lacking": lacking, "there": there, "field": there})
        return self

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return ((("items",), compile_expression(self.items)),)

    def writes(self) -> Iterable[str]:
        return () if self.output is None else (self.output,)

    def item_names(self) -> Iterable[str]:
        return (self.item,) if self.index is None else (self.item, self.index)

    def waits(self) -> bool:
        return any(one.waits() for one in self.activities)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeachNode(Node):
    """``first`` is the first activity of an item."""

    items: Expression
    item: str
    index: str | None
    concurrency: int
    first: str
    collect: str | None
    output: str | None


def _compile(model: Foreach) -> ForeachNode:
    return ForeachNode(
        id=model.id,
        next=model.next,
        items=compile_expression(model.items),
        item=model.item,
        index=model.index,
        concurrency=model.concurrency,
        first=model.activities[0].id,
        collect=model.collect,
        output=model.output,
    )


FOREACH = Kind(Foreach, _compile)
