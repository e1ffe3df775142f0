"""What a bulk operation is asked for with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weir.api.bulk.operations import OperationName
from weir.api.routes.command_models import Reasoned, Resuming, Variables
from weir.api.routes.process_filters import MAX_VERSION, ProcessFilter
from weir.api.routes.process_models import InstanceSignal, Name


class BulkMigration(Reasoned):
    """As of one instance: ``activities`` by old name, ``variables`` of the new version."""

    version: Annotated[int, Field(ge=1, le=MAX_VERSION)]
    activities: Annotated[dict[Name, Name], Field(default_factory=dict)]
    variables: Annotated[dict[str, Any], Field(default_factory=dict)]


PARAMETERS: Mapping[OperationName, type[BaseModel]] = MappingProxyType(
    {
        "cancel": Reasoned,
        "suspend": Reasoned,
        "resume": Resuming,
        "retry": Reasoned,
        "signal": InstanceSignal,
        "set_variables": Variables,
        "migrate": BulkMigration,
    }
)


class NewBulk(BaseModel):
    """``filter`` has at least one condition; without ``status`` it is those that the operation makes sense for.

    Instances that start later are not among them.  With ``dry_run`` nothing is done.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "operation": "cancel",
                "filter": {"definition": "temperature-control", "started_to": "2026-09-21T14:00:00Z"},
                "parameters": {"reason": "the plant is shut down"},
            }
        },
    )

    operation: OperationName
    filter: ProcessFilter
    parameters: Annotated[
        dict[str, Any],
        Field(
            description="As the body of the same operation on one instance: `reason`; `timers` of resume; `name` and "
            "`payload` of signal; `variables`; `version` and `activities` of migrate."
        ),
    ] = {}
    dry_run: bool = False


def parameters_of(operation: OperationName, given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with defaults.  Raises ``RequestValidationError`` that names the fields."""
    try:
        return PARAMETERS[operation].model_validate(given).model_dump()
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("body", "parameters", *one["loc"])} for one in error.errors(include_url=False)]
        ) from None
