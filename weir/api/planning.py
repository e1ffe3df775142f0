"""Instances as they were, and what migrating one would take: both from its history in the database."""

from datetime import datetime

import msgspec
from fastapi import Request

from projections.queries import HistoryEvent, definition
from streams.core.apply import FoldError
from streams.core.definition import ProcessDefinition
from streams.core.migration import Mapping, Plan, plan
from streams.core.process import Process, compile_process
from streams.core.state import Instance
from weir.api.database import reading
from weir.api.problems import ProblemError
from weir.api.reading_back import unknown_instance
from weir.replay.instance import InstanceThen, events_until, instance_then, state_then


async def shown_at(request: Request, instance_id: str, at: str) -> InstanceThen:
    """The instance as it was after the event with that seq, or at that plant time.  Raises ``ProblemError``."""
    seq, moment = _parse_at(at)
    async with reading(request) as connection:
        events, following = await events_until(connection, instance_id, seq=seq, moment=moment)
    if not events and following is None:
        raise unknown_instance(instance_id)
    if not events:
        fix = "Ask for a later time: plant time, as GET /processes/{instance_id}/history shows it."
        raise ProblemError(404, "not_started", f"Instance {instance_id} was not there yet at {at}", fix)
    try:
        return instance_then(instance_id, events)
    except FoldError as error:
        raise _damaged(instance_id, error) from error


async def plan_one(request: Request, instance_id: str, version: int, mapping: Mapping) -> Plan:
    """What migrating the instance to ``version`` takes, as far as the projector has come.  Raises ``ProblemError``."""
    async with reading(request) as connection:
        events, _ = await events_until(connection, instance_id)
        if not events:
            raise unknown_instance(instance_id)
        state = _state(instance_id, events)
        found = [await definition(connection, state.definition_id, one) for one in (state.definition_version, version)]
    old, new = found
    if new is None or old is None:
        detail = f"There is no definition {state.definition_id} version {version} in the database"
        raise ProblemError(404, "unknown_definition", detail, f"See GET /definitions/{state.definition_id}.")
    if state.definition_version == version:
        detail = f"Instance {instance_id} is of version {version} already"
        raise ProblemError(409, "unchanged", detail, "Name another version.")
    return plan(state, _compiled(old.definition), _compiled(new.definition), mapping)


def _compiled(document: dict[str, object]) -> Process:
    return compile_process(ProcessDefinition.model_validate(document))


def _state(instance_id: str, events: list[HistoryEvent]) -> Instance:
    try:
        return state_then(instance_id, events)
    except FoldError as error:
        raise _damaged(instance_id, error) from error


def _damaged(instance_id: str, error: FoldError) -> ProblemError:
    detail = f"The history of {instance_id} in the database does not go on: {error}"
    return ProblemError(409, "damaged_history", detail, "`weir verify` tells what differs from the log.")


def _parse_at(text: str) -> tuple[int | None, datetime | None]:
    if text.isascii() and text.isdecimal():
        return min(int(text[:12]), 2**31 - 1), None
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"Expected the seq of an event, or a time such as 2026-11-21T02:00:00.250Z, but got {text[:80]!r}"
        raise ProblemError(422, "invalid_request", message, "Correct the value.", errors=[("query.at", message)])
    return None, moment
