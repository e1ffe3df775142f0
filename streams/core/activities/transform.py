"""``transform``: make variables from others.

```yaml
- id: prepare
  type: transform
  set:
    mean: ${(first + second) / 2}
    label: "Mean ${mean} °C"
  map:
    hot: {items: readings, as: reading, where: reading.temp > 30, value: {id: "${reading.id}"}}
```

First what stands under ``set``, then under ``map``, each in its order; every one sees those before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities.base import Continuing, Kind, Node, Place
from streams.core.expressions import Expression, Template, compile_expression, compile_template
from streams.core.scalars import Condition, ExpressionText, JsonTemplate, Part, VariableName

MAX_VARIABLES = 100


class Mapped(Part):
    """The list of ``value`` for each of ``items`` that ``where`` holds for; ``as`` is the element's name there."""

    items: ExpressionText
    item: Annotated[VariableName, Field(alias="as")] = "item"
    where: Condition | None = None
    value: JsonTemplate = "${item}"


class Transform(Continuing):
    """At least one of ``set`` and ``map``."""

    type: Literal["transform"]
    set: Annotated[dict[VariableName, JsonTemplate], Field(max_length=MAX_VARIABLES)] = Field(default_factory=dict)
    map: Annotated[dict[VariableName, Mapped], Field(max_length=MAX_VARIABLES)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.set and not self.map:
            fix = "Write 'set: {name: \"${expression}\"}'"
            raise PydanticCustomError("transform", "Expected 'set' or 'map', but there is neither", {"fix": fix})
        return self

    def given(self, place: Place) -> Mapping[str, Expression | None]:
        """``where`` and ``value`` read the element by its name."""
        return {self.map[str(place[1])].item: None} if place[0] == "map" and place[2] != "items" else {}

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        for place, expression in compile_template(self.set).places:
            yield ("set", *place), expression
        for name, one in self.map.items():
            yield ("map", name, "items"), compile_expression(one.items)
            if one.where is not None:
                yield ("map", name, "where"), compile_expression(one.where)
            for place, expression in compile_template(one.value).places:
                yield ("map", name, "value", *place), expression

    def writes(self) -> Iterable[str]:
        return [*self.set, *self.map]


@dataclass(frozen=True, slots=True)
class ListRule:
    """``value`` for each of ``items`` that ``where`` holds for, named ``item``."""

    items: Expression
    item: str
    where: Expression | None
    value: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformNode(Node):
    """What each variable is made by, in order; ``names`` are the variables that they read."""

    rules: tuple[tuple[str, Template | ListRule], ...]
    names: frozenset[str]


def _compile(model: Transform) -> TransformNode:
    rules: list[tuple[str, Template | ListRule]] = [(name, compile_template(one)) for name, one in model.set.items()]
    for name, one in model.map.items():
        where = None if one.where is None else compile_expression(one.where)
        rules.append((name, ListRule(compile_expression(one.items), one.item, where, compile_template(one.value))))
    return TransformNode(
        id=model.id,
        next=model.next,
        rules=tuple(rules),
        names=frozenset(name for _, expression in model.reads() for name in expression.names),
    )


TRANSFORM = Kind(Transform, _compile)
