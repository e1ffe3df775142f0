"""The variables of a process: what they hold when an instance starts.

Every declared variable exists from the start; one without a value is null.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, assert_never

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.expressions import MISSING, Path, compile_path
from streams.core.scalars import Part, PathText, VariableName
from streams.core.suggest import suggest

VariableType = Literal["string", "number", "integer", "boolean", "object", "array"]


class VariablesError(ValueError):
    """Values that a process cannot start with; the message names the variable."""


class Variable(Part):
    """``source`` is a path into the reading that starts the process, ``default`` stands in when there is nothing.

    With ``live`` (the default) the variable follows the latest reading while the instance runs; one without a value, or
    with null, leaves it as it was.  ``value`` is what it holds from the start, unless the start brings another.
    """

    name: VariableName
    source: PathText | None = None
    value: Annotated[Any, Field(description="Any JSON")] = None
    default: Annotated[Any, Field(description="Any JSON")] = None
    required: bool = False
    type: VariableType | None = None
    live: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.value is not None and (self.source is not None or self.default is not None):
            other = "source" if self.source is not None else "default"
            raise PydanticCustomError(
                "variable",
                "Expected one of '{other}' and 'value' for variable '{name}', but got both",
                {"name": self.name, "other": other, "field": other},
            )
        for field in ("value", "default"):
            value = getattr(self, field)
            if value is not None and self.type is not None and not fits(value, self.type):
                raise PydanticCustomError(
                    "variable",
                    "Expected '{field}' of variable '{name}' to be of type {type}, but got {value}",
                    {"name": self.name, "field": field, "type": self.type, "value": repr(value)},
                )
        return self


@dataclass(frozen=True, slots=True)
class CompiledVariable:
    """``path`` is where readings have it, ``topics`` are the telemetry topics it comes from, ``live``: it follows them.

    ``value`` is what it holds when neither a reading nor the start brings a value: ``value``, ``default``, or ``None``.
    """

    name: str
    path: Path | None
    topics: tuple[str, ...]
    live: bool
    value: Any
    required: bool
    type: VariableType | None

    def checked(self, value: Any) -> Any:
        """``value``, or what stands in for a null.  Raises ``VariablesError``."""
        if value is None:
            value = self.value
        if value is None:
            if self.required:
                where = f" at {self.path.text!r} of the reading" if self.path is not None else ""
                raise VariablesError(f"Expected a value for variable {self.name!r}{where}, but there is none")
        elif self.type is not None and not fits(value, self.type):
            raise VariablesError(f"Expected variable {self.name!r} to be of type {self.type}, but got {value!r:.80}")
        return value


def compile_variable(model: Variable, topics: tuple[str, ...], followed: tuple[str, ...]) -> CompiledVariable:
    """``topics`` are those of the definition's telemetry triggers, ``followed`` those that a live variable follows."""
    sourced = model.source is not None
    return CompiledVariable(
        name=model.name,
        path=compile_path(model.source) if model.source is not None else None,
        topics=topics if sourced else (),
        live=sourced and model.live and bool(followed),
        value=model.default if model.value is None else model.value,
        required=model.required,
        type=model.type,
    )


def sourced_values(variables: Mapping[str, CompiledVariable], reading: Mapping[str, Any]) -> dict[str, Any]:
    """The variables with a ``source``, taken from ``reading``.  Raises ``VariablesError``."""
    values = {}
    for name, variable in variables.items():
        if variable.path is not None:
            found = variable.path.get(reading)
            values[name] = variable.checked(None if found is MISSING else found)
    return values


def initial_values(variables: Mapping[str, CompiledVariable], given: Mapping[str, Any]) -> dict[str, Any]:
    """All declared variables, with ``given`` in place of what the definition says.

    Raises ``VariablesError``, also for a given one that is not declared.
    """
    for name in given:
        if name not in variables:
            raise VariablesError(f"Unknown variable {name!r}. {suggest(name, variables, 'variable')}")
    try:
        return {name: variable.checked(given.get(name)) for name, variable in variables.items()}
    except VariablesError:
        raise VariablesError("; ".join(_problems(variables, given))) from None


def _problems(variables: Mapping[str, CompiledVariable], given: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong, for who would else learn of it one by one."""
    for name, variable in variables.items():
        try:
            variable.checked(given.get(name))
        except VariablesError as error:
            yield str(error)


def fits(value: Any, wanted: VariableType) -> bool:
    """Is the JSON ``value`` of this type?  5.0 is an integer, true is no number."""
    match wanted:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "integer":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
    assert_never(wanted)
