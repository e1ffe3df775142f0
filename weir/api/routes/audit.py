"""The audit log, for administrators: every write that was asked for, refused ones too, and who asked."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from projections import queries
from projections.queries.audit import AuditFilter, AuditItem, AuditPlace
from weir.api import cursors
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.moments import Moment
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import examples
from weir.api.routes.processes import own_id

MAX_LIMIT = 1_000
Text = Annotated[str, Field(min_length=1, max_length=500)]

router = APIRouter(prefix="/audit")

EXAMPLE: dict[str, Any] = {
    "time": examples.AT,
    "id": "5b1e2c9f0a7d4e63-1205",
    "principal": "ada",
    "kind": "user",
    "method": "POST",
    "route": "/processes/{instance_id}/cancel",
    "target": examples.INSTANCE_ID,
    "request_id": "5b1e2c9f0a7d4e63-1205",
    "address": "10.0.0.9",
    "command_id": "0b8a5a0e-6c0f-4c1c-9d52-2f6f1d1f4c11",
    "instance_id": examples.INSTANCE_ID,
    "cause": "3:1205",
    "status": 202,
    "request": {"reason": "ordered twice"},
    "before": None,
    "after": None,
}


class AuditPage(msgspec.Struct):
    """Without ``next_cursor`` it is the last."""

    items: list[AuditItem]
    next_cursor: str | None


class AuditQuery(BaseModel):
    """All that is given must hold; times are the wall's."""

    model_config = ConfigDict(extra="forbid")

    who: Annotated[Text | None, Field(description="The principal, as items name it.")] = None
    route: Annotated[
        Text | None,
        Field(description="As items name it: `/processes/{instance_id}/cancel`. Needs since, who or target."),
    ] = None
    target: Annotated[Text | None, Field(description="What it is about: an instance, a task, a definition, a key.")] = (
        None
    )
    instance_id: str | None = None
    status: Annotated[
        int | None, Field(ge=100, le=599, description="What was answered. Needs since, who or target.")
    ] = None
    refused: Annotated[
        bool | None, Field(description="Only what was answered 400 and above. Needs since, who or target.")
    ] = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None

    def filter(self) -> AuditFilter:
        """As the database is asked.  Raises ``ProblemError`` for conditions that no index answers."""
        bounds = (self.who, self.target, self.instance_id, self.since)
        for name in ("route", "status", "refused"):
            if getattr(self, name) is not None and all(one is None for one in bounds):
                message = f"Expected since, who or target beside {name}: without them the whole log is looked at"
                raise ProblemError(422, "invalid_request", message, "Add one.", errors=[(f"query.{name}", message)])
        known = None if self.instance_id is None else own_id(self.instance_id, "query.instance_id")
        return AuditFilter(
            principal=self.who,
            route=self.route,
            target=self.target,
            instance_id=known,
            status=self.status,
            refused=bool(self.refused),
            since=self.since,
            until=self.until,
        )


@router.get(
    "",
    response_model=None,
    responses=shows(AuditPage, {"items": [EXAMPLE], "next_cursor": None}),
    dependencies=[needs("admin")],
)
async def log(request: Request, asked: Annotated[AuditQuery, Query()]) -> Response:
    """Writes, the newest first, as far as the projector has come."""
    wanted = asked.filter()
    before = None if asked.cursor is None else cursors.decode(asked.cursor, AuditPlace)
    if before is not None and before.time.tzinfo is None:
        raise cursors.wrong_cursor()
    async with reading(request) as connection:
        found = await queries.audit(connection, wanted, before=before, limit=asked.limit + 1)
    page, following = cursors.page(found, asked.limit, lambda one: one[1])
    return answer(AuditPage([item for item, _ in page], following))
