"""Kinds of values in what a station's people send: texts as the database can hold them, and JSON of their own."""

from typing import Annotated, Any

import orjson
from fastapi import Path
from pydantic import AfterValidator, Field

_NO_NUL = r"^[^\x00]*$"


def _can_be_kept(value: dict[str, Any]) -> dict[str, Any]:
    try:
        raw = orjson.dumps(value)
    except TypeError as error:
        raise ValueError(f"Expected JSON that can be kept, but got: {error}") from None
    if rb"\u0000" in raw:
        raise ValueError("Expected text without U+0000")
    return value


IdInPath = Annotated[str, Path(min_length=1, max_length=200, pattern=_NO_NUL)]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_NUL)]
Text = Annotated[str, Field(min_length=1, max_length=10_000, pattern=_NO_NUL)]
Document = Annotated[dict[str, Any], AfterValidator(_can_be_kept)]
"""Numbers are of 64 bits."""
