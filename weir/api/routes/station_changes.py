"""Changing what is deployed, for the routes: commands whose outcome is waited for, and then the projector."""

import asyncio
import re
import unicodedata
from typing import Any

from fastapi import Request

from projections.queries import StationDefinition, station_process
from streams.core.commands import Origin, TopicCommand
from streams.core.definition import ProcessDefinition
from streams.core.problems import DefinitionError
from streams.core.station_form import form_definition
from streams.topics import Topics
from weir.api.database import reading
from weir.api.idempotency.plan import planned
from weir.api.problems import ProblemError
from weir.api.refusals import accepted
from weir.api.sending import sender_of
from weir.repository.apply import deployment
from weir.watch import Accepted, Refused

WAIT_S = 15.0
SHOWN_S = 2.0
"""How long an answer waits for the projector, so that who asks next sees the change."""
LOOK_S = 0.05
TAKEN = ("version_exists", "version_too_old")
FIX = "Look at the process as it is now: GET /api/processes/{id}."


async def done(request: Request, command: TopicCommand, *, unless: tuple[str, ...] = ()) -> Accepted | Refused:
    """Have a command carried out.  Raises ``ProblemError`` for a refusal whose reason is not in ``unless``."""
    command = planned(command)
    outcome = await sender_of(request).send_and_wait(command, WAIT_S)
    if isinstance(outcome, Refused) and outcome.reason in unless:
        return outcome
    return accepted(outcome, FIX)


async def known(request: Request, process_id: str) -> StationDefinition:
    """The process, as far as the projector has come.  Raises ``ProblemError`` (404)."""
    async with reading(request) as connection:
        found = await station_process(connection, process_id)
    if found is None:
        detail = f"There is no process {process_id!r} in the database"
        raise ProblemError(404, "unknown_process", detail, "GET /api/processes tells what there is.")
    return found


def made(parts: dict[str, Any], process_id: str, version: int) -> ProcessDefinition:
    """The definition of a form.  Raises ``ProblemError`` (422) that names the fields."""
    try:
        return form_definition(parts, process_id, version)
    except DefinitionError as error:
        problems = error.problems
        told = [(f"body.{one.path}", one.message, one.fix or "Correct the fields.") for one in problems]
        raise ProblemError(422, "invalid_definition", problems[0].message, told[0][-1], errors=told) from None


def check_topics(request: Request, definition: ProcessDefinition) -> None:
    """Raises ``ProblemError`` (422) for one that names a topic which is not there, as deploying it would."""
    topics: Topics = request.app.state.topics
    if (unheard := definition.unheard(topics.telemetry, topics.mqtt_routes)) is not None:
        raise ProblemError(422, "undeclared_topic", f"{definition.id}: {unheard}", "Name another, or declare it.")


async def deploy(request: Request, definition: ProcessDefinition, origin: Origin) -> Accepted | Refused:
    """Deploy; a refusal because the version is there already is returned."""
    command = deployment(definition, None, origin)
    outcome = await done(request, command, unless=(*TAKEN, "unchanged"))
    if isinstance(outcome, Accepted):
        await shown(request, definition.id, lambda found: found.version >= definition.version or not found.is_active)
    return outcome


async def shown(request: Request, process_id: str, is_there: Any) -> None:
    """Return when the database has the change, or after ``SHOWN_S``: it is done in any case."""
    try:
        async with asyncio.timeout(SHOWN_S):
            while True:
                async with reading(request) as connection:
                    found = await station_process(connection, process_id)
                if found is not None and is_there(found):
                    return
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        return


def id_of(name: str) -> str:
    """An id for a process of that name: letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].rstrip("-") or "process"
