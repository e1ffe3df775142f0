"""``rules``: a decision table.

```yaml
- id: classify
  type: rules
  hit_policy: first                 # unique (default), first, any, priority, collect
  rules:
    - {when: {temperature: "> 30", mode: '"auto"'}, then: {fan: high}}
    - {when: {temperature: "[20..30]"}, then: {fan: low}}
  default: {fan: off}
```

The names under ``when`` are inputs: variables, or what ``inputs`` says.  Without ``output`` each output of the table
goes to the variable of its name.  ``streams.core.rules`` tells what cells and policies mean.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from streams.core.activities.base import Continuing, Kind, Node, Output, OutputPaths, Place
from streams.core.expressions import Expression, ExpressionSyntaxError, compile_expression, compile_template
from streams.core.rules import Aggregation, Cell, HitPolicy, Row, Table, parse_cell
from streams.core.rules.values import is_number
from streams.core.scalars import ExpressionText, JsonTemplate, Part, Title, VariableName, syntax_error

MAX_RULES = 200
MAX_COLUMNS = 20
_Scalar = str | bool | int | float


def _as_text(value: Any) -> Any:
    if value is None:
        fix = "Write '-' for any value, or null in quotes for null: \"null\""
        raise PydanticCustomError("cell", "Expected a test, but got nothing", {"fix": fix})
    if isinstance(value, list):
        fix = """Write several with commas, texts in quotes: '"a", "b"'"""
        raise PydanticCustomError("cell", "Expected a test, but got a list", {"fix": fix})
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if is_number(value) else value


def _cell(text: str) -> str:
    try:
        return parse_cell(text).text
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error


CellText = Annotated[
    str,
    AfterValidator(_cell),
    BeforeValidator(_as_text, json_schema_input_type=_Scalar),
    Field(description='> 30, [20..30), "auto", "a", "b", not("off"), - for any value, or an expression'),
]


def _input(spec: Any) -> Any:
    return {"expression": spec} if isinstance(spec, str) else spec


class Input(Part):
    """``values``, a cell, are those that may come; the check for gaps asks for no others."""

    expression: ExpressionText | None = None
    values: CellText | None = None


class TableOutput(Part):
    """``values`` are what it may be; for ``hit_policy: priority`` the most important first."""

    values: Annotated[tuple[Any, ...], Field(strict=False, min_length=1, max_length=100)] | None = None


Outputs = Annotated[dict[VariableName, JsonTemplate], Field(min_length=1, max_length=MAX_COLUMNS)]


class Rule(Part):
    """It hits when all cells hold; an input without one may be anything.  ``name`` is told where the rule is."""

    name: Title | None = None
    when: Annotated[dict[VariableName, CellText], Field(max_length=MAX_COLUMNS)]
    then: Outputs


class Rules(Continuing):
    """``outputs`` are those of the first rule, unless they are listed."""

    type: Literal["rules"]
    hit_policy: HitPolicy = "unique"
    aggregation: Aggregation | None = None
    inputs: Annotated[
        dict[
            VariableName,
            Annotated[Input, BeforeValidator(_input, json_schema_input_type=ExpressionText | Input)],
        ],
        Field(max_length=MAX_COLUMNS),
    ] = Field(default_factory=dict)
    outputs: Annotated[dict[VariableName, TableOutput], Field(max_length=MAX_COLUMNS)] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(strict=False, min_length=1, max_length=MAX_RULES)]
    default: Outputs | None = None
    output: OutputPaths = Field(default_factory=dict)

    def columns(self) -> dict[str, Expression]:
        """The inputs: those that are listed, and then those that rules name."""
        given = {name: compile_expression(one.expression or name) for name, one in self.inputs.items()}
        named = {name: compile_expression(name) for rule in self.rules for name in rule.when}
        return {**given, **{name: one for name, one in named.items() if name not in given}}

    def output_names(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(self.outputs or self.rules[0].then)

    def kept(self) -> Mapping[str, str]:
        """``output``, or what stands in for it."""
        names = self.output_names()
        return self.output or ({names[0]: "$"} if len(names) == 1 else {name: name for name in names})

    def given(self, place: Place) -> Mapping[str, Expression | None]:
        """Cells and outputs read the inputs by name."""
        return self.columns() if place[0] in ("rules", "default") and place[2:] != ("when",) else {}

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        for name, one in self.inputs.items():
            yield ("inputs", name, "expression"), compile_expression(one.expression or name)
        seen = set(self.inputs)
        for at, rule in enumerate(self.rules):
            for name in rule.when.keys() - seen:
                yield ("rules", at, "when"), compile_expression(name)
            seen |= rule.when.keys()
            for name, text in rule.when.items():
                for expression in parse_cell(text).expressions:
                    yield ("rules", at, "when", name), expression
            for place, expression in compile_template(rule.then).places:
                yield ("rules", at, "then", *place), expression
        for place, expression in compile_template(self.default or {}).places:
            yield ("default", *place), expression

    def writes(self) -> Iterable[str]:
        return self.kept()

    def cells(self) -> list[dict[str, Cell]]:
        """Of each rule, by input."""
        return [{name: parse_cell(text) for name, text in rule.when.items()} for rule in self.rules]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesNode(Node):
    """``names`` are the variables that the table reads."""

    table: Table
    names: frozenset[str]
    output: Output


def _compile(model: Rules) -> RulesNode:
    rows = [
        Row(rule.name, tuple(cells.items()), compile_template(rule.then))
        for rule, cells in zip(model.rules, model.cells(), strict=True)
    ]
    priorities = [(name, one.values) for name, one in model.outputs.items() if one.values is not None]
    table = Table(
        inputs=tuple(model.columns().items()),
        outputs=model.output_names(),
        rows=tuple(rows),
        policy=model.hit_policy,
        aggregation=model.aggregation,
        priorities=tuple(priorities),
        default=None if model.default is None else compile_template(model.default),
    )
    return RulesNode(
        id=model.id,
        next=model.next,
        table=table,
        names=frozenset(name for _, expression in model.reads() for name in expression.names),
        output=Output.of_paths(model.kept()),
    )


RULES = Kind(Rules, _compile)
