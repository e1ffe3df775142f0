"""What many methods of the builder take, and how values become those of a definition."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from streams.core.scalars import duration_text
from streams.core.triggers import Mode

if TYPE_CHECKING:
    from streams.core.builder.body import Body

Json = Any
Span = str | timedelta
"""A duration: ``"5m"``, or a ``timedelta``."""
Errors = str | Mapping[str, str]
"""An activity, or activities by the type of the error."""


class Told(TypedDict, total=False):
    """For people."""

    name: str
    description: str


class Guard(TypedDict, total=False):
    """Of an activity that may go wrong."""

    on_error: Errors


class Way(Guard, total=False):
    """Of an activity with one way out.  ``next`` defaults to the following activity, as in YAML."""

    next: str
    condition: str
    timeout: Span
    on_timeout: str
    compensation: "Body"


class Decided(Told, Guard, total=False):
    """Options of a decision."""


class Options(Told, Way, total=False):
    """Options of most activities."""


class Described(Way, total=False):
    """Options of an activity whose ``name`` is something else."""

    description: str


class Starts(TypedDict, total=False):
    """Of every trigger: how many instances a key may have, how soon one may follow another, and whether it is on."""

    mode: Mode
    max: int
    cooldown: Span
    enabled: bool


class Reading(Starts, total=False):
    """Of a trigger on readings: which of them, whose they are, and how old they may be."""

    condition: str
    all: Sequence[str]
    any: Sequence[str]
    key: str
    priority: int
    max_age: Span
    device_time: bool


def written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given, as YAML has them: names without the ``_`` that Python needs."""
    return {name.removesuffix("_"): _json(value) for name, value in fields.items() if value is not None}


def _json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return duration_text(round(value / timedelta(milliseconds=1)))
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {str(name): _json(item) for name, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value.activities if hasattr(value, "activities") else value
    return [_json(item) for item in value]
