"""Changes of the station's tables for a request: in one transaction with their record in the audit log, which has the
row before and after.

``perform`` has an action performed by its performer of the action worker (``streams.actions``), over the request's
connection, so that people set off the same events as processes; what only people change is in ``table``.
"""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import Request

from streams.actions.base import ActionError, ActionRequest, Performer
from streams.actions.publisher import MqttMessage
from streams.actions.station import StationSide
from streams.settings import Settings
from streams.station.sql import SqlTables, once
from streams.station.tables import Change
from weir.api.audit.changing import changing
from weir.api.auth import Principal
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import ProblemError, unavailable

TIME_S = 10.0
Row = Callable[[asyncpg.Connection, str], Awaitable[Any]]
"""A question of ``projections.queries``: the row with that id, or ``None``."""


class _Here:
    """``Station`` on the connection of a request."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def once(self, key: str, action: str, change: Change) -> dict[str, Any]:  # noqa: ARG002  the key has it
        if CURRENT.get() is None:  # nobody can repeat it under this key
            return await self.look(change)
        return await once(self._connection, key, change)

    async def look(self, change: Change) -> dict[str, Any]:
        return await change(SqlTables(self._connection))


class _Silent:
    """No action that people have performed here publishes: one that did would find out at once."""

    async def publish(self, message: MqttMessage, timeout_s: float) -> None:
        raise NotImplementedError(f"The gateway has no MQTT connection, but was to publish to {message.topic}")


def plant_ms(request: Request) -> int:
    """The plant's time, in Unix milliseconds."""
    settings: Settings = request.app.state.settings
    return settings.plant_clock.plant_ms(time.time() * 1000)


def cause_of(name: str) -> str:
    """What led to the events of a write; the same when it is repeated under its Idempotency-Key."""
    plan = CURRENT.get()
    return f"api/{name}/{plan.seed if plan is not None else uuid.uuid4()}"


@asynccontextmanager
async def recorded(request: Request, row: Row, about: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection in the transaction of a write about the row with that id.  Raises ``ProblemError``."""
    async with changing(request) as (connection, entry):
        entry.target, entry.before = about, await row(connection, about)
        yield connection
        entry.after = await row(connection, about)


async def perform(
    request: Request,
    connection: asyncpg.Connection,
    who: Principal,
    make: Callable[[StationSide], Performer],
    config: dict[str, Any],
) -> dict[str, Any]:
    """The output of the station's action ``make`` with ``config``.  Raises ``ProblemError``."""
    performer = make(StationSide(_Here(connection), _Silent(), lambda: plant_ms(request)))
    asked = ActionRequest(
        action=performer.__class__.__name__,
        config={name: value for name, value in config.items() if value is not None},
        instance_id=who.id,
        activity_id="",
        definition_id="",
        idempotency_key=cause_of(performer.__class__.__name__),
        time_left_s=TIME_S,
    )
    try:
        return await performer.perform(asked)
    except ActionError as error:
        raise _problem(error) from None


def _problem(error: ActionError) -> ProblemError:
    text = str(error).replace("config.", "body.")
    if error.retryable:
        return unavailable("database_slow", text, "Try again.", 1)
    if error.error_type == "not_found":
        return ProblemError(404, "not_found", text, "Look at the list of them for what there is.")
    return ProblemError(422, "invalid_request", text, "Correct the field.", errors=[("body", text)])
