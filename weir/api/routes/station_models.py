"""Processes as a station's people make them, as bodies and answers.  Ids are texts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from projections.queries import Execution, StationProcess

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Form(BaseModel):
    """What a process does: ``triggers`` set it off, ``actions`` are performed one after the other.

    ``labels`` are yours, to find it by; a new version without any has those of the one before.

    Trigger: ``{trigger_type, trigger_config, conditions, priority, is_active}``.  Action: ``{action_type,
    action_config, conditions, action_order, timeout_seconds, retry_count}``.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "Door watch",
                "description": "Tells the night shift who comes in.",
                "triggers": [{"trigger_type": "zone_entry", "trigger_config": {"zone_id": "door"}}],
                "actions": [
                    {
                        "action_type": "create_alert",
                        "action_config": {"title": "${trigger.tags.user_id} came in", "severity": "warning"},
                        "retry_count": 2,
                    }
                ],
            }
        },
    )

    name: Name
    description: Annotated[str, Field(max_length=10_000)] | None = None
    labels: Annotated[dict[Name, Name], Field(max_length=50)] | None = None
    triggers: Annotated[list[dict[str, Any]], Field(max_length=100)] = []
    actions: Annotated[list[dict[str, Any]], Field(max_length=1_000)]

    def parts(self) -> dict[str, Any]:
        """As ``streams.core.station_form`` reads it."""
        return self.model_dump(include={"name", "description", "labels", "triggers", "actions"})


class NewForm(Form):
    """``id`` is the new process's; without one it is made of the name."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")] | None = None


class Execute(BaseModel):
    """``trigger_data`` is what the process sees as ``trigger``; where it has no such variable, its variables."""

    model_config = ConfigDict(extra="forbid")

    trigger_data: dict[str, Any] = {}
    key: Name | None = None


class Created(BaseModel):
    """Of a new process."""

    process_id: str


class Executed(BaseModel):
    """Of an execution that has begun."""

    execution_id: str


class Message(BaseModel):
    """What was done."""

    message: str


class ProcessList(msgspec.Struct):
    """``total`` is of all pages."""

    processes: list[StationProcess]
    total: int


class ProcessParts(StationProcess, frozen=True, kw_only=True):
    """A process with its triggers and actions, as ``Form`` has them and with ids.

    ``next_execution`` is when the next of its schedules is due.
    """

    triggers: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    next_execution: datetime | None


class ExecutionList(msgspec.Struct):
    """``total`` is of all pages."""

    executions: list[Execution]
    total: int


class LogLine(msgspec.Struct):
    """An event of an execution.  ``level`` is ``info``, ``warning`` or ``error``."""

    seq: int
    timestamp: datetime
    level: str
    event: str
    action_id: str | None
    message: str
    data: dict[str, Any]


class FoundLine(LogLine, kw_only=True):
    """A line, and of which execution it is."""

    execution_id: UUID
    process_id: str


class FoundLines(msgspec.Struct):
    """The newest first; ``next_cursor`` is of the next page, where there is one."""

    logs: list[FoundLine]
    next_cursor: str | None


class Logs(msgspec.Struct):
    """In order; ``next_after`` is the ``after`` of the next page, where there is one."""

    logs: list[LogLine]
    next_after: int | None
