"""What people do with the station's actions, carried out once under an ``Idempotency-Key``."""

import uuid
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from streams.actions.base import ActionError, Effect
from streams.actions.create_alert import CreateAlert
from streams.actions.resolve_alert import ResolveAlert
from streams.actions.station import StationSide
from tests.api.inside import settings_of
from weir.api.auth import Principal
from weir.api.idempotency.plan import CURRENT, Plan
from weir.api.problems import ProblemError
from weir.api.station.acting import perform

ANN = Principal(id="ann", name="Ann", kind="user", scopes=frozenset())
REQUEST: Any = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(settings=settings_of())))


async def test_a_write_that_is_taken_over_is_not_done_again(connection: asyncpg.Connection) -> None:
    token = CURRENT.set(Plan(uuid.uuid4(), 0.0, repeated=True))
    try:
        raised = [await perform(REQUEST, connection, ANN, CreateAlert, {"title": "Too hot"})]
        await perform(REQUEST, connection, ANN, ResolveAlert, {"alert_id": raised[0]["alert_id"]})
        raised.append(await perform(REQUEST, connection, ANN, CreateAlert, {"title": "Too hot"}))
    finally:
        CURRENT.reset(token)
    assert raised[0] == raised[1]
    assert await connection.fetchval("SELECT array_agg(status) FROM alerts") == ["resolved"]
    assert await connection.fetchval("SELECT count(*) FROM station_outbox") == 2
    other = await perform(REQUEST, connection, ANN, CreateAlert, {"title": "Too hot"})
    assert other["alert_id"] != raised[0]["alert_id"], "without a key each is one of its own"


@pytest.mark.parametrize(("error_type", "status"), [("unavailable", 503), ("not_found", 404), ("invalid_config", 422)])
async def test_errors_of_actions_are_problems(error_type: str, status: int) -> None:
    class Failing:
        def __init__(self, _: StationSide) -> None: ...

        async def perform(self, _: Any) -> dict[str, Any]:
            raise ActionError("config.title is wrong", error_type)

        def dry_run(self, _: Any) -> Effect:
            return Effect("fails", {})

    nothing: Any = None  # is asked of the database
    with pytest.raises(ProblemError) as found:
        await perform(REQUEST, nothing, ANN, Failing, {})
    assert (found.value.status, found.value.detail) == (status, "body.title is wrong")
