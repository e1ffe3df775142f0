"""Templates as bodies and answers."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from weir.api.routes.station_models import Name
from weir.repository.templates import TemplateParameter

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
Category = Annotated[str, Field(min_length=1, max_length=100)]


class NewTemplate(BaseModel):
    """A template of a process: its id, its name and the values of its variables become parameters.

    ``id`` is the new template's; without one it is made of the name.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"process_id": "door-watch", "name": "Door watch", "category": "monitoring", "is_public": True}
        },
    )

    process_id: Name
    name: Name
    description: Annotated[str, Field(max_length=4_000)] | None = None
    category: Category | None = None
    id: Id | None = None
    is_public: bool = True


class ImportedTemplate(BaseModel):
    """``text`` is YAML or JSON, as ``GET /api/processes/templates/{id}?format=yaml`` gives it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "text": "kind: template\nid: hello\nparameters:\n  id: {example: hi}\ndefinition:\n"
                '  id: "{{ id }}"\n  trigger: {type: api}\n  activities:\n    - {id: end, type: end}\n'
            }
        },
    )

    text: Annotated[str, Field(min_length=1)]
    is_public: bool = True
    replace: bool = False


class Instantiate(BaseModel):
    """``customizations``: the template's parameters, and the process's ``id``, ``name`` and ``description``.

    Without an ``id`` the process gets one that is free, made of its name.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"customizations": {"name": "Back door", "limit": 70}}}
    )

    customizations: dict[str, Any] = {}


class TemplateCreated(BaseModel):
    """Of a template that was saved."""

    template_id: str


class TemplateSummary(msgspec.Struct, frozen=True, kw_only=True):
    """``source``: ``file``, of the definitions' folder or Weir's own, or ``saved``.

    ``usage_count`` is how many processes were made of it; ``problem`` is why it cannot be read.
    """

    id: str
    name: str
    description: str | None
    category: str | None
    source: str
    usage_count: int
    is_public: bool
    created_by: str | None
    created_at: datetime | None
    parameters: list[TemplateParameter]
    problem: str | None = None


class TemplateShown(TemplateSummary, frozen=True, kw_only=True):
    """With the whole template."""

    template_data: dict[str, Any]


class TemplateList(msgspec.Struct):
    """By category and name."""

    templates: list[TemplateSummary]
