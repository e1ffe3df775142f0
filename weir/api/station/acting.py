"""An action of the station, performed for a request: in the gateway's own transaction, recorded in the audit log.

The performers are those of the action worker (``streams.actions``), over the request's connection.  They claim no key:
an ``Idempotency-Key`` is the request's own affair.
"""

import time
import uuid
from typing import Any

import asyncpg
from fastapi import Request

from streams.actions.base import ActionError, ActionRequest, Performer
from streams.actions.publisher import FakePublisher
from streams.actions.station import StationSide
from streams.settings import Settings
from streams.station.sql import SqlTables
from streams.station.tables import Change
from weir.api.audit.changing import changing
from weir.api.auth import Principal
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import ProblemError

TIME_S = 10.0


class _Here:
    """``Station`` on the connection of a request."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._tables = SqlTables(connection)

    async def once(self, key: str, action: str, change: Change) -> dict[str, Any]:  # noqa: ARG002  see above
        return await change(self._tables)

    async def look(self, change: Change) -> dict[str, Any]:
        return await change(self._tables)


def plant_ms(request: Request) -> int:
    """The plant's time, in Unix milliseconds."""
    settings: Settings = request.app.state.settings
    return settings.plant_clock.plant_ms(time.time() * 1000)


def cause_of(name: str) -> str:
    """What led to the events of a write; the same when it is repeated under its Idempotency-Key."""
    plan = CURRENT.get()
    return f"api/{name}/{plan.seed if plan is not None else uuid.uuid4()}"


async def act(
    request: Request,
    who: Principal,
    make: type[Any],
    config: dict[str, Any],
    *,
    target: str | None = None,
    status: int = 200,
) -> dict[str, Any]:
    """The output of the station's action ``make`` with ``config``.  Raises ``ProblemError``."""
    async with changing(request, status) as (connection, audit):
        side = StationSide(_Here(connection), FakePublisher(), lambda: plant_ms(request))
        performer: Performer = make(side)
        asked = ActionRequest(
            action=make.__name__,
            config={name: value for name, value in config.items() if value is not None},
            instance_id=who.id,
            activity_id="",
            definition_id="",
            idempotency_key=cause_of(make.__name__),
            time_left_s=TIME_S,
        )
        try:
            output = await performer.perform(asked)
        except ActionError as error:
            raise _problem(error) from None
        audit.target = target or next((str(output[name]) for name in ("alert_id", "zone_id") if name in output), None)
        audit.after = output
    return output


def _problem(error: ActionError) -> ProblemError:
    text = str(error).replace("config.", "body.")
    if error.error_type == "not_found":
        return ProblemError(404, "not_found", text, "Look at the list of them for what there is.")
    return ProblemError(422, "invalid_request", text, "Correct the field.", errors=[("body", text)])
