"""Bulk operations as they are written down: whose they are, page by page, and what becomes of the counts."""

from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest
from fastapi.exceptions import RequestValidationError
from msgspec.structs import replace

from projections.instance_filter import InstanceFilter
from streams.codec import decode_command, encode_command
from streams.core.durations import instant
from weir.api.auth import Principal
from weir.api.bulk import table
from weir.api.bulk.operations import OPERATIONS, OperationName, command_of
from weir.api.bulk.page import is_beyond_log, refusal, unknown
from weir.api.bulk.table import Bulk, Page, Refusal, Work
from weir.api.routes.bulk import seen_by
from weir.api.routes.bulk_models import PARAMETERS, parameters_of
from weir.watch import Accepted, DeadLettered, Refused

ID, INSTANCE = UUID(int=7), "019ab8f0-0000-8001-8000-000000000000"
EXAMPLES: dict[str, dict[str, Any]] = {
    "signal": {"name": "go", "payload": {"n": 1}},
    "set_variables": {"variables": {"n": 1}},
    "migrate": {"version": 2, "activities": {"a": "b"}},
}


def test_every_operation_makes_its_command_the_same_for_everybody() -> None:
    assert set(OPERATIONS) == set(PARAMETERS) == set(get_args(OperationName))
    ids = set()
    for name in OPERATIONS:
        parameters = parameters_of(name, EXAMPLES.get(name, {"reason": "why"}))
        command = command_of(ID, name, parameters, INSTANCE)
        assert decode_command(encode_command(command)) == command == command_of(ID, name, parameters, INSTANCE)
        assert command.__struct_config__.tag == name
        ids |= {command.id, command_of(UUID(int=8), name, parameters, INSTANCE).id}
    assert len(ids) == 2, "an id is of the operation and the instance"
    with pytest.raises(RequestValidationError):
        parameters_of("cancel", {"why": "no such parameter"})


def test_why_a_command_was_not_carried_out() -> None:
    assert refusal("i", Accepted(0, 1, [])) is None
    assert refusal("i", Refused(0, 1, "not_running", "It stands still", None)) == Refusal(
        "i", "not_running", "It stands still"
    )
    assert refusal("i", DeadLettered(0, 1, "broken")) == Refusal("i", "dead_letter", "broken")


def test_what_may_have_left_the_log_is_not_sent_again() -> None:
    page, day_ms = Page(["a", "b"], at_ms=1_790_000_000_000), 86_400_000
    assert not is_beyond_log(page, 7 * 86_400, page.at_ms + 6 * day_ms)
    assert is_beyond_log(page, 7 * 86_400, page.at_ms + 7 * day_ms)
    assert is_beyond_log(Page(["a"], page.at_ms, sent=True), 7 * 86_400, page.at_ms + 1)
    (only,) = unknown(page, {"id of a"}, ["id of a", "id of b"])
    assert (only.instance_id, only.reason) == ("b", "unknown_outcome")
    assert "2026-09-21T14:13:20.000Z is no longer in the log, and is not sent a second time" in only.message


def test_instances_are_told_to_those_who_may_see_them() -> None:
    bulk = replace(new(1), refusals=[Refusal("i", "not_running", "i is completed")])
    operator = Principal(id="o", name="o", kind="user", scopes=frozenset({"processes:execute"}))
    assert seen_by(operator, bulk).refusals == []
    assert seen_by(replace(operator, scopes=operator.scopes | {"processes:view"}), bulk) == bulk


def new(number: int) -> Bulk:
    nothing: Any = {"error": None, "finished_at": None, "sent": 0, "done": 0, "refused": 0, "reasons": {}}
    return Bulk(
        id=UUID(int=number),
        operation="cancel",
        filter=InstanceFilter(definition_id="d", started_to=instant(1_790_000_000_000)),
        parameters={"reason": "why"},
        status="running",
        created_at=instant(0),
        created_by="ada",
        total=3,
        total_is_estimate=False,
        refusals=[],
        **nothing,
    )


async def test_an_operation_is_one_gateways_at_a_time(connection: asyncpg.Connection) -> None:
    first = await table.create(connection, new(1))
    assert await table.create(connection, new(1)) == first, "repeated, it is the same"
    assert (first.filter, first.parameters, first.created_by) == (new(1).filter, {"reason": "why"}, "ada")
    await table.create(connection, new(2))

    async def take(owner: str) -> Work:
        found = await table.take(connection, owner)
        assert found is not None
        return table.work_of(found)

    one, other = await take("a"), await take("b")
    assert {one.bulk.id, other.bulk.id} == {UUID(int=1), UUID(int=2)}
    assert await table.take(connection, "c") is None
    assert (await take("a")).bulk.id == one.bulk.id
    page = Page([str(UUID(int=9)), str(UUID(int=8)), str(UUID(int=7))], 1_790_000_000_000)
    assert await table.begin(connection, "a", one.bulk.id, page)
    assert not await table.begin(connection, "b", one.bulk.id, page)
    await connection.execute("UPDATE bulk_operations SET locked_until = now() WHERE id = $1", one.bulk.id)
    taken = await take("b")
    taken = taken if taken.bulk.id == one.bulk.id else await take("b")
    assert (taken.bulk.id, taken.page, taken.last_id) == (one.bulk.id, page, None)
    refused = [Refusal(page.ids[0], "not_running", "It stands still")]
    assert not await table.sent(connection, "a", one.bulk.id, Page(page.ids, page.at_ms))
    assert not await table.over(connection, "a", one.bulk, page, refused)
    assert await table.sent(connection, "b", one.bulk.id, page)
    assert await table.cancel(connection, one.bulk.id)
    assert not await table.cancel(connection, one.bulk.id)
    works = [await take("b"), await take("b")]
    (still,) = [work for work in works if work.bulk.id == one.bulk.id]
    assert (still.bulk.status, still.page and still.page.sent) == ("cancelled", True), "what is sent is counted"
    assert await table.over(connection, "b", still.bulk, page, refused)
    found = await table.find(connection, one.bulk.id)
    assert found is not None
    assert (found.sent, found.done, found.refused, found.reasons) == (3, 2, 1, {"not_running": 1})
    assert (found.refusals, found.status) == (refused, "cancelled")
    await table.finish(connection, "b", one.bulk.id, "completed", None)
    assert {(await take("b")).bulk.id for _ in range(2)} == {other.bulk.id}
    await table.finish(connection, "b", other.bulk.id, "failed", "a mistake")
    assert await table.take(connection, "b") is None
    assert [(one.id.int, one.status, one.error) for one in await table.newest(connection, 9)] == [
        (2, "failed", "a mistake"),
        (1, "cancelled", None),
    ]


async def test_a_cancelled_operation_whose_page_fails_is_not_taken_for_ever(connection: asyncpg.Connection) -> None:
    await table.create(connection, new(1))
    assert await table.take(connection, "a") is not None
    await table.begin(connection, "a", UUID(int=1), Page([str(UUID(int=9))], 1))
    assert await table.cancel(connection, UUID(int=1))
    assert await table.take(connection, "a") is not None, "what is sent is counted"
    await table.finish(connection, "a", UUID(int=1), "failed", "unreadable")
    assert await table.take(connection, "a") is None
    found = await table.find(connection, UUID(int=1))
    assert found is not None
    assert (found.status, found.error) == ("cancelled", "unreadable")


async def test_no_page_is_begun_of_an_operation_that_has_just_been_cancelled(connection: asyncpg.Connection) -> None:
    await table.create(connection, new(1))
    assert await table.take(connection, "a") is not None
    assert await table.cancel(connection, UUID(int=1))
    assert not await table.begin(connection, "a", UUID(int=1), Page([str(UUID(int=9))], 1))
    assert await table.take(connection, "a") is None
