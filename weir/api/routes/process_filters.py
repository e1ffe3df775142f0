"""Which instances a list shows, or a bulk operation takes: the same conditions for both."""

import re
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from projections.instance_filter import InstanceFilter, Variable
from streams.core.state import InstanceStatus
from weir.api.moments import Moment
from weir.api.problems import ProblemError
from weir.api.routes.process_models import Key, Name

MAX_VERSION = 2**31 - 1
MAX_VARIABLES = 10
_PLACE = re.compile(r"\[(\d+)\]")
VARIABLE_PATTERN = r"^[^=]{1,500}="


class ProcessFilter(BaseModel):
    """All that is given must hold; of several of ``status`` one."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[list[InstanceStatus], Field(max_length=10)] = []
    definition: Name | None = None
    version: Annotated[int, Field(ge=1, le=MAX_VERSION)] | None = None
    key: Key | None = None
    reference: Annotated[
        Key | None,
        Field(
            description="A part of what people call the instance, in whatever case: `4711`. Needs started_from or key "
            "where it has fewer than three characters."
        ),
    ] = None
    variable: Annotated[
        list[Annotated[str, Field(pattern=VARIABLE_PATTERN, max_length=2_000)]],
        Field(
            max_length=MAX_VARIABLES,
            description="`path=value`: a variable, or a part of it, that has this value, such as `pump.id=7` or "
            "`readings[0].unit=kPa`. Needs started_from.",
        ),
    ] = []
    started_from: Annotated[Moment | None, Field(description="Started then or later (plant time).")] = None
    started_to: Annotated[Moment | None, Field(description="Started before that.")] = None
    ended_from: Annotated[Moment | None, Field(description="Ended then or later. Needs started_from.")] = None
    ended_to: Annotated[Moment | None, Field(description="Ended before that. Needs started_from.")] = None

    def filter(self, place: str = "query") -> InstanceFilter:
        """As the database is asked.  Raises ``ProblemError`` for conditions that would read all there is."""
        found = InstanceFilter(
            status=tuple(self.status),
            definition_id=self.definition,
            version=self.version,
            key=self.key,
            reference=self.reference,
            variables=tuple(_variable(text) for text in self.variable),
            started_from=self.started_from,
            started_to=self.started_to,
            ended_from=self.ended_from,
            ended_to=self.ended_to,
        )
        if (needing := found.needs_start()) is not None:
            message = f"Expected started_from beside {needing}: without it all instances there ever were are looked at"
            fix = "Add started_from, as late as you can."
            raise ProblemError(422, "invalid_request", message, fix, errors=[(f"{place}.started_from", message)])
        return found


def _variable(text: str) -> Variable:
    """A value that is JSON may also be meant as a text: 7 finds the number and the text."""
    path, _, value = text.partition("=")
    names = tuple(_PLACE.sub(r".\1", path.removeprefix("$").removeprefix(".")).split("."))
    as_text = msgspec.json.encode(value).decode()
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):  # no JSON, or deeper than any variable
        return Variable(names, (as_text,))
    return Variable(names, (value, as_text))
