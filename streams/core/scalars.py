"""The kinds of text and number that definitions are made of, as pydantic types, and the base of their models."""

from functools import cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from streams.core.durations import parse_duration_ms
from streams.core.expressions import ExpressionSyntaxError, compile_expression, compile_path, compile_template
from streams.core.ids import MAX_KEY_LENGTH


class Part(BaseModel):
    """A part of a definition: immutable, without unknown fields, and written without the fields at their default.

    So a default that a later version adds changes neither the canonical form nor the hash of what is deployed today.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, serialize_by_alias=True, defer_build=True)

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        names = {field.alias or name: name for name, field in type(self).model_fields.items()}
        return {key: value for key, value in written.items() if getattr(self, names[key]) != self._default(names[key])}

    def _default(self, name: str) -> Any:
        return _default_of(type(self), name)


@cache
def _default_of(model: type[Part], name: str) -> Any:
    """To be compared with, and never handed out: all parts of the kind share it."""
    return model.model_fields[name].get_default(call_default_factory=True, validated_data={})


def syntax_error(error: ExpressionSyntaxError) -> PydanticCustomError:
    """Carries the offset and the fix through pydantic, which knows messages only."""
    return PydanticCustomError("expression", "{message}", vars(error) | {"message": str(error)})


def _condition(text: str) -> str:
    try:
        expression = compile_expression(text)
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error
    if not expression.can_be_condition():
        fix = "Compare it with something: a > b"
        raise syntax_error(ExpressionSyntaxError(f"Expected true or false from {expression.text!r}", 0, fix))
    return expression.text


def _expression(text: str) -> str:
    try:
        return compile_expression(text).text
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error


def _path(text: str) -> str:
    try:
        return compile_path(text).text
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error


def _template(value: Any) -> Any:
    try:
        compile_template(value)
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error
    return value


def _secret_template(value: Any) -> Any:
    try:
        compile_template(value, secrets=True)
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error
    return value


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_duration_ms(value)
        except ValueError as error:
            raise PydanticCustomError("duration", "{message}", {"message": str(error)}) from None
    raise PydanticCustomError(
        "duration", "Expected a duration such as '30s', '5m' or '1h30m', but got {value}", {"value": repr(value)}
    )


def duration_text(ms: int) -> str:
    """``1h30m`` for 5,400,000: the canonical spelling of a duration."""
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, ms = divmod(ms, size)
        text += f"{count}{unit}" if count else ""
    return text


def shortened(text: str, limit: int) -> str:
    """``text`` with at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"

DefinitionId = Annotated[str, Field(pattern=_ID)]
ActivityId = Annotated[str, Field(pattern=_ID)]
VariableName = Annotated[str, Field(pattern=_NAME)]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Text = Annotated[str, Field(max_length=4000)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
KeyText = Annotated[str, Field(min_length=1, max_length=MAX_KEY_LENGTH)]

Condition = Annotated[str, AfterValidator(_condition), Field(description="CEL, true or false: temperature > threshold")]
ExpressionText = Annotated[str, AfterValidator(_expression), Field(description="CEL: temperature - threshold")]
PathText = Annotated[str, AfterValidator(_path), Field(description="tags.device_id, or JSONPath from $")]
TextTemplate = Annotated[str, AfterValidator(_template), Field(description="Text with ${expressions}")]
JsonTemplate = Annotated[Any, AfterValidator(_template), Field(description="Any JSON, its texts with ${expressions}")]
SecretText = Annotated[
    str, AfterValidator(_secret_template), Field(description="Text with ${expressions} and ${secrets.name}")
]
SecretJson = Annotated[
    Any,
    AfterValidator(_secret_template),
    Field(description="Any JSON, its texts with ${expressions} and ${secrets.name}"),
]
DURATION_PATTERN = r"^\s*(([0-9]+(\.[0-9]+)?(ms|[smhdw]))+|P[0-9DTHMS.]+)\s*$"
Duration = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A duration: 30s, 5m, 1h30m or PT5M",
            "pattern": DURATION_PATTERN,
            "examples": ["5m"],
        }
    ),
]
"""Milliseconds; read and written as text."""


def _span(value: Any) -> Any:
    return _template(value) if isinstance(value, str) and "${" in value else duration_text(_duration(value))


Span = Annotated[
    str,
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "description": "A duration, or ${expressions} for one", "examples": ["5m"]}),
]
"""A duration, in its canonical spelling; or a template that renders to one."""
