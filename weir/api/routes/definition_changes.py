"""Deploying a definition as YAML or JSON, and which of its versions starts instances."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from streams.core.commands import ActivateDefinition, DeactivateDefinition, Origin
from streams.core.parse import check_definition
from weir.api.auth import Principal, needs
from weir.api.documents import shows
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes.command_models import Reason
from weir.api.routes.process_filters import MAX_VERSION
from weir.api.routes.station_changes import check_topics, done, shown
from weir.api.routes.station_fields import IdInPath
from weir.api.routes.station_models import Message
from weir.repository.apply import deployment
from weir.watch import Refused

router = APIRouter()
Author = Annotated[Principal, needs("processes:create")]


class NewDefinition(BaseModel):
    """``text`` is YAML or JSON, as a file of ``weir deploy`` has it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "text": "id: hello\nversion: 1\ntrigger: {type: api}\nactivities:\n"
                "  - {id: say, type: service, action: log, message: hello}\n"
            }
        },
    )

    text: Annotated[str, Field(min_length=1)]


class Which(BaseModel):
    """Without a ``version``: the one that was active last, to activate; all of them, to deactivate."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=MAX_VERSION)] | None = None
    reason: Reason = None


class Deployed(msgspec.Struct, frozen=True):
    """``outcome`` is ``deployed``, ``unchanged`` where the version was there with this content, or ``valid`` of a dry
    run.  ``warnings`` are what is likely not meant.
    """

    definition_id: str
    version: int
    hash: str
    outcome: str
    warnings: list[str]


DEPLOYED: dict[str, Any] = {
    "definition_id": "hello",
    "version": 1,
    "hash": "9f2c…",
    "outcome": "deployed",
    "warnings": [],
}


@router.post("/definitions", response_model=None, responses=shows(Deployed, DEPLOYED))
async def deploy(
    body: NewDefinition,
    request: Request,
    who: Author,
    dry_run: Annotated[bool, Query(description="Only tell what is wrong with it.")] = False,
) -> Response:
    """Deploy a version, which starts instances from now on.

    A version never changes: other content under a version that is there is refused (``version_exists``).
    """
    definition, problems = check_definition(body.text)
    if definition is None:
        errors = [one for one in problems if one.severity == "error"]
        told = [("body.text", str(one), one.fix or "Correct the text.") for one in errors]
        raise ProblemError(422, "invalid_definition", errors[0].message, told[0][-1], errors=told)
    warnings = [str(one) for one in problems]
    if dry_run:
        check_topics(request, definition)
        return answer(Deployed(definition.id, definition.version, definition.hash, "valid", warnings))
    command = deployment(definition, body.text, Origin(by=who.id))
    outcome = await done(request, command, unless=("unchanged",))
    unchanged = isinstance(outcome, Refused)
    if not unchanged:
        await shown(request, definition.id, lambda found: found.version == definition.version or not found.is_active)
    what = "unchanged" if unchanged else "deployed"
    return answer(Deployed(definition.id, definition.version, definition.hash, what, warnings))


@router.post("/definitions/{definition_id}/activate")
async def activate(definition_id: IdInPath, body: Which, request: Request, who: Author) -> Message:
    """Let a definition start instances, by this version and no other; what runs goes on by its own."""
    command = ActivateDefinition(
        definition_id=definition_id, version=body.version, reason=body.reason, origin=Origin(by=who.id)
    )
    outcome = await done(request, command, unless=("unchanged",))
    await shown(request, definition_id, lambda found: found.is_active and body.version in (None, found.version))
    return Message(message="unchanged" if isinstance(outcome, Refused) else "activated")


@router.post("/definitions/{definition_id}/deactivate")
async def deactivate(definition_id: IdInPath, body: Which, request: Request, who: Author) -> Message:
    """Let a definition, or one version of it, start nothing any more; what runs goes on."""
    command = DeactivateDefinition(
        definition_id=definition_id, version=body.version, reason=body.reason, origin=Origin(by=who.id)
    )
    outcome = await done(request, command, unless=("unchanged",))
    if body.version is None:
        await shown(request, definition_id, lambda found: not found.is_active)
    return Message(message="unchanged" if isinstance(outcome, Refused) else "deactivated")
