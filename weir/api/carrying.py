"""A command for each thing that people do: 202 when Kafka has it, or with ``?wait=`` what became of it."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.types import DecoratedCallable
from pydantic import BaseModel

from streams.core.commands import TopicCommand
from weir.api.documents import Responses
from weir.api.idempotency.plan import planned
from weir.api.quick import answer
from weir.api.refusals import FIX, accepted
from weir.api.sending import sender_of
from weir.api.waiting import wait_of


class Sent(BaseModel):
    """The command is in Kafka, under this id."""

    command_id: str


class Done(BaseModel):
    """The command was carried out; ``events`` are the types of what happened, in order."""

    command_id: str
    events: list[str]


DONE: Responses = {200: {"model": Done, "description": "With wait: it was carried out"}}


def command_route(router: APIRouter, path: str, **options: Any) -> Callable[[DecoratedCallable], DecoratedCallable]:
    """The decorator of a route that answers what ``carry_out`` does; ``options`` as those of ``router.post``."""
    return router.post(path, status_code=202, response_model=Sent, **{"responses": DONE, **options})


async def carry_out(request: Request, command: TopicCommand, wait: str | None = None, fix: str = FIX) -> Response:
    """202 ``Sent``, or 200 ``Done``.  Raises ``ProblemError`` that says why it was refused."""
    command, waits = planned(command), wait_of(wait)
    if waits.until == "nothing":
        await sender_of(request).send(command)
        return answer({"command_id": command.id}, 202)
    outcome = accepted(await sender_of(request).send_and_wait(command, waits.seconds), fix)
    return answer({"command_id": command.id, "events": [event.type for event in outcome.events]})
