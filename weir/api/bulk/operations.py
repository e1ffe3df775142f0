"""What can be done to many instances: the command, and to instances of which status by default."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from streams.core.commands import Cancel, Migrate, Resume, Retry, SetVariables, Signal, Suspend, TopicCommand
from streams.core.state import InstanceStatus

OperationName = Literal["cancel", "suspend", "resume", "retry", "signal", "set_variables", "migrate"]
LIVE: tuple[InstanceStatus, ...] = ("running", "suspended")


@dataclass(frozen=True)
class Operation:
    """``command(id=, instance_id=, **parameters)`` makes a command; ``status`` is what the filter says by default."""

    command: Callable[..., TopicCommand]
    status: tuple[InstanceStatus, ...]


OPERATIONS: Mapping[OperationName, Operation] = MappingProxyType(
    {
        "cancel": Operation(Cancel, LIVE),
        "suspend": Operation(Suspend, ("running",)),
        "resume": Operation(Resume, ("suspended",)),
        "retry": Operation(Retry, ("failed",)),
        "signal": Operation(Signal, LIVE),
        "set_variables": Operation(SetVariables, (*LIVE, "failed")),
        "migrate": Operation(Migrate, LIVE),
    }
)
"""``weir.api.routes.bulk_models`` has their parameters."""


def command_of(bulk_id: UUID, operation: OperationName, parameters: dict[str, Any], instance_id: str) -> TopicCommand:
    """The command for an instance: the same one, whoever makes it."""
    id_ = str(uuid.uuid5(bulk_id, instance_id))
    return OPERATIONS[operation].command(id=id_, instance_id=instance_id, **parameters)
