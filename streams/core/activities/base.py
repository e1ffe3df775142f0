"""What all kinds of activity share: their fields in a definition, their node at run time, and what checks ask of them.

A *model* is what people write, a *node* what the decider walks over.  What entering an activity does is in ``step``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from streams.core.expressions import MISSING, Expression, Path, compile_expression, compile_path
from streams.core.scalars import ActivityId, Condition, Duration, Part, PathText, Text, Title, VariableName

Place = tuple[str | int, ...]
"""Where in an activity something stands: ``("config", "topic")``."""


class Activity(Part):
    """The fields of every activity.  ``type`` is the kind's own literal.

    ``branch_fields`` are those that name the first activity of a branch: nothing falls into one from above.
    ``body_fields`` are those that hold activities, and whether they hold several lists of them, by name.
    """

    branch_fields: ClassVar[tuple[str, ...]] = ()
    body_fields: ClassVar[Mapping[str, bool]] = {}

    type: str
    id: ActivityId
    name: Title | None = None
    description: Text | None = None

    def targets(self) -> Mapping[str, str | None]:
        """The activities that may come next, by the field that names them."""
        return {}

    def handlers(self) -> Mapping[Place, str]:
        """The activities that come next when something went wrong, by the place that names them."""
        return {}

    def ways(self) -> Mapping[Place, str]:
        """Both, where they name one."""
        named: dict[Place, str] = {(name,): target for name, target in self.targets().items() if target is not None}
        return {**named, **self.handlers()}

    def bodies(self) -> Mapping[Place, "Sequence[Activity]"]:
        """The lists of activities within this one, by where they stand."""
        found: dict[Place, Sequence[Activity]] = {}
        for name, several in self.body_fields.items():
            held = getattr(self, name)
            found |= {(name, key): body for key, body in held.items()} if several else {(name,): held}
        return {place: body for place, body in found.items() if body}

    def item_names(self) -> Iterable[str] | None:
        """The variables that each item of its body begins with; ``None`` where there are no items.

        What the activities of an item set is the item's own, too.
        """
        return None

    def expressions(self) -> Iterable[tuple[Place, Expression]]:
        """All that it evaluates, and where it stands."""
        return self.reads()

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        """The expressions that entering the activity evaluates, and where they stand."""
        return ()

    def given(self, _place: Place) -> "Mapping[str, Expression | None]":
        """The names that the expression at a place reads beside the variables, and what has their value, if known."""
        return {}

    def writes(self) -> Iterable[str]:
        """The variables that the activity sets."""
        return ()

    def starts(self) -> Iterable[str]:
        """Ids of the definitions that the activity starts instances of."""
        return ()

    def waits(self) -> bool:
        """Does time pass between entering and leaving?  A loop needs one activity that waits."""
        return False


def _activities(held: Any) -> Any:
    from streams.core.activities import model_of  # noqa: PLC0415 - a body holds every kind, which are made of this

    return tuple(one if isinstance(one, Activity) else model_of(one).model_validate(one) for one in held)


Body = Annotated[
    tuple[SerializeAsAny[Activity], ...],
    BeforeValidator(_activities),
    WithJsonSchema({"type": "array", "items": {"$comment": "activity"}}),
]
"""Activities within another one.  ``schema`` puts the kinds in the place of the comment."""

END_OF_BODY = "end"
"""What a path within another activity names, to lead to the end of its body."""
ANY_ERROR = "default"
"""The key of ``on_error`` for errors of every other type."""


def _for_all_errors(spec: Any) -> Any:
    return {ANY_ERROR: spec} if isinstance(spec, str) else spec


ErrorType = Annotated[str, Field(min_length=1, max_length=200)]
Handlers = Annotated[
    dict[ErrorType, ActivityId],
    BeforeValidator(_for_all_errors, json_schema_input_type=ActivityId | dict[ErrorType, ActivityId]),
]
"""``on_error: activity``, or ``{type of error: activity, default: activity}``."""


class Guarded(Activity):
    """An activity that may go wrong.  In its handler ``error`` is a variable: ``{type, message, activity}``."""

    on_error: Handlers = Field(default_factory=dict)

    def handlers(self) -> Mapping[Place, str]:
        return {("on_error", kind): target for kind, target in self.on_error.items()}


class Continuing(Guarded):
    """An activity with one way out.  Without ``next``, the fall-through rule of ``normalise`` fills it in.

    With a ``condition`` that is false it is skipped.  ``timeout`` is plant time, from entering to leaving; beyond it
    the process goes on at ``on_timeout``, or the activity fails with an error of type ``timeout``.  ``compensation``
    is what a ``compensate`` does to undo it.
    """

    body_fields: ClassVar[Mapping[str, bool]] = {"compensation": False}

    next: ActivityId | None = None
    condition: Condition | None = None
    timeout: Duration | None = None
    on_timeout: ActivityId | None = None
    compensation: Body = ()

    @model_validator(mode="after")
    def _time_passes(self) -> Self:
        if self.limit() is not None and not self.waits():
            message = "Expected no 'timeout' on an activity that takes no time"
            raise PydanticCustomError("timeout", message, {"field": "timeout"})
        if self.on_timeout is not None and self.timeout is None:
            context = {"field": "on_timeout", "fix": "Write 'timeout: 30m' above it"}
            raise PydanticCustomError("timeout", "Expected a 'timeout' beside 'on_timeout'", context)
        return self

    def limit(self) -> int | None:
        """How long it may take from entering to leaving, in milliseconds of plant time."""
        return self.timeout

    def targets(self) -> Mapping[str, str | None]:
        return {"next": self.next}

    def handlers(self) -> Mapping[Place, str]:
        late: dict[Place, str] = {} if self.on_timeout is None else {("on_timeout",): self.on_timeout}
        return {**super().handlers(), **late}

    def expressions(self) -> Iterable[tuple[Place, Expression]]:
        if self.condition is None:
            return self.reads()
        return chain([(("condition",), compile_expression(self.condition))], self.reads())


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """``next`` is the id of the following activity, or ``None`` where the kind decides otherwise.

    The others are options that every kind has, and ``with_options`` fills in: ``when`` (else it is skipped),
    ``on_error`` (activity by type of error), ``limit_ms`` (its ``timeout``), ``on_timeout``, and the first activity of
    its ``compensation``.
    """

    id: str
    next: str | None = None
    when: Expression | None = None
    on_error: Mapping[str, str] = field(default_factory=dict)
    limit_ms: int | None = None
    on_timeout: str | None = None
    compensation: str | None = None


class Kind(NamedTuple):
    """One kind of activity: the model of its YAML, and how that becomes a node."""

    model: type[Activity]
    compile: Callable[[Any], Node]


def with_options(node: Node, model: Activity) -> Node:
    """``node`` with the options that every kind has."""
    options: dict[str, Any] = {}
    if isinstance(model, Guarded) and model.on_error:
        options["on_error"] = dict(model.on_error)
    if isinstance(model, Continuing):
        if model.condition is not None:
            options["when"] = compile_expression(model.condition)
        if model.compensation:
            options["compensation"] = model.compensation[0].id
        options |= {"limit_ms": model.limit(), "on_timeout": model.on_timeout}
    return replace(node, **options) if options else node


def _whole_result(spec: Any) -> Any:
    return {spec: "$"} if isinstance(spec, str) else spec


OutputPaths = Annotated[
    dict[VariableName, PathText],
    BeforeValidator(_whole_result, json_schema_input_type=VariableName | dict[VariableName, PathText]),
]
"""``output: {name: path}`` keeps parts of a result in variables; ``output: name``, the whole, is ``{name: $}``."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a result goes: (variable, path in the result)."""

    parts: tuple[tuple[str, Path], ...]

    @classmethod
    def of_paths(cls, paths: Mapping[str, str]) -> "Output":
        return cls(tuple((name, compile_path(path)) for name, path in paths.items()))

    def of(self, result: Any) -> dict[str, Any]:
        """The variables that ``result`` sets; a path that it lacks leaves its variable as it is."""
        if not self.parts:  # of most
            return {}
        return {name: value for name, path in self.parts if (value := path.get(result)) is not MISSING}
