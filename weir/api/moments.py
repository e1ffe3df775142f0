"""A date and time in a request: with its zone, and written as one."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _written(value: object) -> object:
    """Pydantic takes a number for seconds since 1970: ``since=2026`` would mean half an hour after that."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError(f"Expected a date and time such as 2026-11-21T02:00:00Z, but got {value!r:.100}")


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written),
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC)),
]
