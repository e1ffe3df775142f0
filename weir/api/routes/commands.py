"""What operators do with an instance, and messages: each is a command.

Answered 202 when Kafka has it; with ``?wait=10`` 200 with what happened, or a problem that says why it was refused.
"""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from streams.core.commands import Cancel, Migrate, PublishMessage, Resume, Retry, SetVariables, Suspend
from streams.core.migration import Mapping, Verdict
from weir.api.auth import needs
from weir.api.carrying import Done, carry_out, command_route
from weir.api.planning import plan_one
from weir.api.quick import answer
from weir.api.routes.command_models import Message, Migration, Reasoned, Resuming, Variables
from weir.api.routes.processes import own_id
from weir.api.waiting import WaitText

EXECUTE = [needs("processes:execute")]
NOTHING, AS_USUAL = Reasoned(), Resuming()

router = APIRouter()


class Planned(msgspec.Struct):
    """What migrating an instance takes; only ``safe`` can be done.  ``problems`` say what is in the way."""

    instance_id: str
    version: int
    verdict: Verdict
    problems: list[str]


@command_route(router, "/processes/{instance_id}/suspend", dependencies=EXECUTE)
async def suspend(instance_id: str, request: Request, body: Reasoned = NOTHING, wait: WaitText = None) -> Response:
    """Let an instance stand still: what comes for it is held until it is resumed."""
    return await carry_out(request, Suspend(**_about(instance_id), reason=body.reason), wait)


@command_route(router, "/processes/{instance_id}/resume", dependencies=EXECUTE)
async def resume(instance_id: str, request: Request, body: Resuming = AS_USUAL, wait: WaitText = None) -> Response:
    """Let a suspended instance go on; what was held comes first."""
    return await carry_out(request, Resume(**_about(instance_id), reason=body.reason, timers=body.timers), wait)


@command_route(router, "/processes/{instance_id}/cancel", dependencies=EXECUTE)
async def cancel(instance_id: str, request: Request, body: Reasoned = NOTHING, wait: WaitText = None) -> Response:
    """End an instance."""
    return await carry_out(request, Cancel(**_about(instance_id), reason=body.reason), wait)


@command_route(router, "/processes/{instance_id}/retry", dependencies=EXECUTE)
async def retry(instance_id: str, request: Request, body: Reasoned = NOTHING, wait: WaitText = None) -> Response:
    """Let an instance go on at the activity where it failed, or where its incidents are."""
    return await carry_out(request, Retry(**_about(instance_id), reason=body.reason), wait)


@command_route(router, "/processes/{instance_id}/variables", dependencies=EXECUTE)
async def set_variables(instance_id: str, request: Request, body: Variables, wait: WaitText = None) -> Response:
    """Set variables of an instance that has not completed, one that has failed included."""
    command = SetVariables(**_about(instance_id), variables=body.variables, reason=body.reason)
    return await carry_out(request, command, wait)


@command_route(
    router,
    "/processes/{instance_id}/migrate",
    responses={200: {"model": Done, "description": "With wait: it was carried out. With dry_run: `Planned`"}},
    dependencies=EXECUTE,
)
async def migrate(instance_id: str, request: Request, body: Migration, wait: WaitText = None) -> Response:
    """Let an instance go on with another version of its definition."""
    about = _about(instance_id)
    if body.dry_run:
        mapping = Mapping(body.activities, body.variables)
        plan = await plan_one(request, about["instance_id"], body.version, mapping)
        return answer(Planned(about["instance_id"], body.version, plan.verdict, plan.problems))
    command = Migrate(
        **about, version=body.version, activities=body.activities, variables=body.variables, reason=body.reason
    )
    return await carry_out(request, command, wait)


@command_route(router, "/messages", dependencies=EXECUTE)
async def publish(body: Message, request: Request, wait: WaitText = None) -> Response:
    """Send a message to whoever waits for it under a correlation key; if nobody does, it is kept for a while."""
    command = PublishMessage(
        name=body.name,
        correlation_key=body.correlation_key,
        payload=body.payload,
        ttl_ms=body.ttl_ms,
        message_id=body.message_id,
    )
    return await carry_out(request, command, wait, "Look at what waits for it, or send another.")


def _about(instance_id: str) -> dict[str, Any]:
    return {"instance_id": own_id(instance_id, "path.instance_id")}
