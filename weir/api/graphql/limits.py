"""How deep and how costly a question may be, found before anything is asked.

A field costs 1; what is below a list costs so often as the list's ``first`` asks for, or ``OF_A_LIST`` where it has
none.  A fragment is counted once, however often it is spread, so that counting is linear in the question's length.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
)
from strawberry.extensions import SchemaExtension

MAX_TOKENS = 1_000
MAX_DEPTH = 12
MAX_COST = 10_000
"""Some tenths of a second of the gateway's time."""
OF_THE_SCHEMA = 1_000
"""What asking for the schema costs, however deep: the library has a limit of its own for that depth."""
OF_A_LIST = 20
"""Items of a list that does not say how many it has."""


class Size(NamedTuple):
    """Of a selection: levels, and fields that would be answered."""

    depth: int
    cost: int


class Limits(SchemaExtension):
    """Refuses what is beyond the limits, instead of executing it."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None
        errors = excess(context.schema._schema, context.graphql_document, context.variables or {})  # noqa: SLF001
        if errors:
            context.pre_execution_errors = errors
        yield


def excess(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> list[GraphQLError]:
    """What is too much; none for a question within the limits."""
    measure = _Measure(schema, document, variables)
    errors = []
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            size = measure.of(schema.query_type, operation.selection_set)
            for name, found, most in (("depth", size.depth, MAX_DEPTH), ("cost", size.cost, MAX_COST)):
                if found > most:
                    message = (
                        f"Expected a {name} of at most {most}, but this question has {found}: ask for less at once"
                    )
                    errors.append(GraphQLError(message, operation, extensions={"type": "/problems/too_much"}))
    return errors


class _Measure:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema, self._variables = schema, variables
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}

    def of(self, parent: Any, selections: SelectionSetNode) -> Size:
        """What is selected of ``parent``, a type that may be unknown: then validation says so."""
        depth = cost = 0
        for one in selections.selections:
            if isinstance(one, FieldNode):
                size = self._field(parent, one)
            elif isinstance(one, FragmentSpreadNode):
                size = self._fragment(one.name.value)
            else:
                assert isinstance(one, InlineFragmentNode)
                on = parent if one.type_condition is None else self._schema.get_type(one.type_condition.name.value)
                size = self.of(on, one.selection_set)
            depth, cost = max(depth, size.depth), cost + size.cost
        return Size(depth, cost)

    def _fragment(self, name: str) -> Size:
        fragment = self._fragments.get(name)
        if fragment is None:
            return Size(0, 0)
        if name not in self._known:
            self._known[name] = Size(0, 0)  # of a fragment within itself, which validation refuses
            self._known[name] = self.of(
                self._schema.get_type(fragment.type_condition.name.value), fragment.selection_set
            )
        return self._known[name]

    def _field(self, parent: Any, node: FieldNode) -> Size:
        if node.selection_set is None:
            return Size(1, 1)
        if node.name.value in {"__schema", "__type"}:
            return Size(1, OF_THE_SCHEMA)
        has_fields = isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        field = parent.fields.get(node.name.value) if has_fields else None
        below = self.of(None if field is None else get_named_type(field.type), node.selection_set)
        return Size(1 + below.depth, 1 + self._times(field, node) * below.cost)

    def _times(self, field: GraphQLField | None, node: FieldNode) -> int:
        if field is None:
            return 1
        if "first" not in field.args:
            of = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
            return OF_A_LIST if is_list_type(of) and node.name.value not in ("nodes", "edges") else 1
        given: Any = field.args["first"].default_value
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, IntValueNode):
                    given = int(value.value)
                elif isinstance(value, VariableNode):
                    given = self._variables.get(value.name.value, given)
        return max(given, 0) if isinstance(given, int) else 1
