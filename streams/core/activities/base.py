"""What all kinds of activity share: their fields in a definition, their node at run time, and what checks ask of them.

A *model* is what people write, a *node* what the decider walks over.  What entering an activity does is in ``step``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BeforeValidator

from streams.core.expressions import MISSING, Expression, Path, compile_path
from streams.core.scalars import ActivityId, Part, PathText, Text, Title, VariableName

Place = tuple[str | int, ...]
"""Where in an activity something stands: ``("config", "topic")``."""


class Activity(Part):
    """The fields of every activity.  ``type`` is the kind's own literal.

    ``branch_fields`` are those that name the first activity of a branch: nothing falls into one from above.
    """

    branch_fields: ClassVar[tuple[str, ...]] = ()

    type: str
    id: ActivityId
    name: Title | None = None
    description: Text | None = None

    def targets(self) -> Mapping[str, str | None]:
        """The activities that may come next, by the field that names them."""
        return {}

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        """The expressions that entering the activity evaluates, and where they stand."""
        return ()

    def given(self, _place: Place) -> "Mapping[str, Expression | None]":
        """The names that the expression at a place reads beside the variables, and what has their value, if known."""
        return {}

    def writes(self) -> Iterable[str]:
        """The variables that the activity sets."""
        return ()

    def waits(self) -> bool:
        """Does time pass between entering and leaving?  A loop needs one activity that waits."""
        return False


class Continuing(Activity):
    """An activity with one way out.  Without ``next``, the fall-through rule of ``normalise`` fills it in."""

    next: ActivityId | None = None

    def targets(self) -> Mapping[str, str | None]:
        return {"next": self.next}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """``next`` is the id of the following activity, or ``None`` where the kind decides otherwise."""

    id: str
    next: str | None = None


class Kind(NamedTuple):
    """One kind of activity: the model of its YAML, and how that becomes a node."""

    model: type[Activity]
    compile: Callable[[Any], Node]


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
        return {name: value for name, path in self.parts if (value := path.get(result)) is not MISSING}
