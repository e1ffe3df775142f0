"""API keys, for administrators.  Those of the settings and of an OIDC issuer are not among them."""

from datetime import UTC, datetime
from typing import Annotated

import asyncpg
import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from projections.queries.api_keys import ApiKey, api_key, api_keys
from weir.api.audit.changing import changing
from weir.api.auth import ROLES, Principal, ScopeName, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.idempotency.plan import CURRENT, tell_once, told_once
from weir.api.moments import Moment
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import examples
from weir.keys import table

Admin = Annotated[Principal, needs("admin")]
Text = Annotated[str, Field(min_length=1, max_length=200)]

router = APIRouter(prefix="/api-keys")


class NewApiKey(BaseModel):
    """What a key may: its ``roles`` and ``scopes`` together.  Tasks are done as ``user``, else under its name."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    user: Text | None = None
    roles: Annotated[list[Text], Field(max_length=20)] = []
    scopes: Annotated[list[ScopeName], Field(max_length=20)] = []
    groups: Annotated[list[Text], Field(max_length=200)] = []
    expires_at: Moment | None = None

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, roles: list[str]) -> list[str]:
        if unknown := set(roles) - set(ROLES):
            raise ValueError(f"Expected roles of {', '.join(ROLES)}, but got {', '.join(sorted(unknown))}")
        return roles

    @field_validator("name", "user", "groups")
    @classmethod
    def _can_be_kept(cls, value: str | list[str] | None) -> str | list[str] | None:
        if any("\0" in text for text in ([value] if isinstance(value, str) else value or ())):
            raise ValueError("Expected text without U+0000")
        return value

    @field_validator("expires_at")
    @classmethod
    def _is_ahead(cls, at: datetime | None) -> datetime | None:
        if at is not None and at <= datetime.now(UTC):
            raise ValueError(f"Expected a time that is ahead, but got {at.isoformat()}")
        return at


class CreatedKey(msgspec.Struct):
    """``key`` is told once, and kept nowhere."""

    key: str
    api_key: ApiKey


@router.post("", status_code=201, response_model=None, responses=shows(CreatedKey, examples.CREATED_KEY, 201))
async def create(body: NewApiKey, request: Request, who: Admin) -> Response:
    """Make a key."""
    plan = CURRENT.get()
    try:
        async with changing(request, 201) as (connection, entry):
            kept, made = await table.create(
                connection,
                name=body.name,
                by=who.id,
                user=body.user,
                roles=body.roles,
                scopes=body.scopes,
                groups=body.groups,
                expires_at=body.expires_at,
                id_=None if plan is None else plan.seed.hex[:12],
            )
            entry.target, entry.after = kept.id, kept
    except asyncpg.UniqueViolationError:  # whoever carried this write out before has not come to say so
        raise told_once() from None
    tell_once()
    return answer(CreatedKey(made.text, kept), 201, {"Location": f"/api-keys/{kept.id}"})


@router.get("", response_model=None, responses=shows(list[ApiKey], [examples.API_KEY]), dependencies=[needs("admin")])
async def list_(request: Request) -> Response:
    """All keys, the newest first, those that are revoked too; never their secrets."""
    async with reading(request) as connection:
        return answer(await api_keys(connection))


@router.delete("/{key_id}", response_model=None, responses=shows(ApiKey, examples.API_KEY))
async def revoke(key_id: str, request: Request, who: Admin) -> Response:
    """Revoke a key: within ten seconds it opens nothing any more, within twenty its streams of events end."""
    async with changing(request) as (connection, entry):
        known = await api_key(connection, key_id)
        found = await table.revoke(connection, key_id, by=who.id)
        entry.before, entry.after = None if known is None else known[0], found
    if found is None:
        raise ProblemError(
            404, "unknown_api_key", f"There is no API key {key_id}", "GET /api-keys tells what there is."
        )
    return answer(found)
