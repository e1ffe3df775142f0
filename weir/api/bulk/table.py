"""``bulk_operations``: the only place that reads and writes it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from projections.instance_filter import InstanceFilter
from weir.api.bulk.operations import OperationName

Status = Literal["running", "completed", "cancelled", "failed"]
MAX_REFUSALS = 100
LEASE_S = 30.0


class Refusal(msgspec.Struct, frozen=True):
    """An instance whose command was refused, and why."""

    instance_id: str
    reason: str
    message: str


class Bulk(msgspec.Struct, kw_only=True):
    """How far an operation has come: of ``sent`` commands ``done`` were carried out and ``refused`` were not.

    ``total`` is how many instances met the filter when it was made; ``reasons`` counts refusals, ``refusals`` are the
    first hundred.
    """

    id: UUID
    operation: OperationName
    filter: InstanceFilter
    parameters: dict[str, Any]
    status: Status
    error: str | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    total: int
    total_is_estimate: bool
    sent: int
    done: int
    refused: int
    reasons: dict[str, int]
    refusals: list[Refusal]


class Page(msgspec.Struct):
    """Instances whose commands are under way; ``at_ms`` (Unix) was before the first was sent, ``sent`` after all."""

    ids: list[str]
    at_ms: int
    sent: bool = False


class Work(msgspec.Struct):
    """An operation that this gateway works on."""

    bulk: Bulk
    last_id: str | None
    page: Page | None


COLUMNS = (
    "id, operation, filter::text, parameters::text, status, error, created_at, created_by, finished_at, total, "
    "total_is_estimate, sent, done, refused, reasons::text, refusals::text"
)


async def create(connection: asyncpg.Connection, bulk: Bulk) -> Bulk:
    """Have it worked on.  One with that id is there already when the request is repeated."""
    await connection.execute(
        "INSERT INTO bulk_operations (id, operation, filter, parameters, status, created_by, total, total_is_estimate) "
        "VALUES ($1, $2, $3, $4, 'running', $5, $6, $7) ON CONFLICT DO NOTHING",
        bulk.id,
        bulk.operation,
        _json(bulk.filter),
        _json(bulk.parameters),
        bulk.created_by,
        bulk.total,
        bulk.total_is_estimate,
    )
    found = await find(connection, bulk.id)
    assert found is not None
    return found


async def find(connection: asyncpg.Connection, id_: UUID) -> Bulk | None:
    """One operation."""
    row = await connection.fetchrow(f"SELECT {COLUMNS} FROM bulk_operations WHERE id = $1", id_)  # noqa: S608
    return None if row is None else _bulk(row)


async def newest(connection: asyncpg.Connection, limit: int) -> list[Bulk]:
    """The newest first."""
    query = f"SELECT {COLUMNS} FROM bulk_operations ORDER BY created_at DESC, id LIMIT $1"  # noqa: S608
    return [_bulk(row) for row in await connection.fetch(query, limit)]


async def cancel(connection: asyncpg.Connection, id_: UUID) -> bool:
    """Send no more; whether it was running.  What is sent stays."""
    status: str = await connection.execute(
        "UPDATE bulk_operations SET status = 'cancelled', finished_at = now() WHERE id = $1 AND status = 'running'", id_
    )
    return status == "UPDATE 1"


async def take(connection: asyncpg.Connection, owner: str) -> asyncpg.Record | None:
    """The operation that has waited longest, of those that nobody else works on; ``None``: there is none."""
    return await connection.fetchrow(_TAKE, owner, LEASE_S)


def work_of(row: asyncpg.Record) -> Work:
    """What was taken.  Raises ``MsgspecError`` for what this gateway cannot read: a newer one has written it."""
    page = None if row["page"] is None else msgspec.json.decode(row["page"], type=Page)
    return Work(_bulk(row), None if row["last_id"] is None else str(row["last_id"]), page)


async def begin(connection: asyncpg.Connection, owner: str, id_: UUID, page: Page | None) -> bool:
    """A page is about to be sent, or given up (``None``); whether it may, and the operation is still ours."""
    text = None if page is None else _json(page)
    return bool(await connection.fetchval(_BEGIN, id_, owner, text))


async def sent(connection: asyncpg.Connection, owner: str, id_: UUID, page: Page) -> bool:
    """Its page is in Kafka; whether the operation is still ours."""
    page.sent = True
    return bool(await connection.fetchval(_SENT, id_, owner, _json(page), len(page.ids)))


async def over(connection: asyncpg.Connection, owner: str, bulk: Bulk, page: Page, refusals: Sequence[Refusal]) -> bool:
    """Its page is decided; whether the operation was still ours."""
    reasons = Counter(bulk.reasons) + Counter(one.reason for one in refusals)
    first = [*bulk.refusals, *refusals][:MAX_REFUSALS]
    done = len(page.ids) - len(refusals)
    last = UUID(page.ids[-1])
    return bool(
        await connection.fetchval(_OVER, bulk.id, owner, done, len(refusals), _json(reasons), _json(first), last)
    )


async def finish(connection: asyncpg.Connection, owner: str, id_: UUID, status: Status, error: str | None) -> None:
    """There is nothing more to do, unless it is somebody else's by now; one that was cancelled stays cancelled."""
    await connection.execute(_FINISH, id_, owner, status, error)


def _bulk(row: Any) -> Bulk:
    found = {name: row[name] for name in Bulk.__struct_fields__}
    found["filter"] = msgspec.json.decode(found["filter"], type=InstanceFilter)
    found["refusals"] = msgspec.json.decode(found["refusals"], type=list[Refusal])
    for name in ("parameters", "reasons"):
        found[name] = msgspec.json.decode(found[name])
    return Bulk(**found)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_TAKE = f"""
    UPDATE bulk_operations SET owner = $1, locked_until = now() + $2 * interval '1 second', touched_at = now()
    WHERE id = (
        SELECT id FROM bulk_operations
        WHERE (status = 'running' OR page IS NOT NULL) AND (owner = $1 OR locked_until <= now())
        ORDER BY touched_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING {COLUMNS}, last_id, page::text
"""  # noqa: S608  the columns are constants
_BEGIN = """
    UPDATE bulk_operations SET page = $3
    WHERE id = $1 AND owner = $2 AND ($3::jsonb IS NULL OR status = 'running') RETURNING true
"""
_SENT = "UPDATE bulk_operations SET page = $3, sent = sent + $4 WHERE id = $1 AND owner = $2 RETURNING true"
_OVER = """
    UPDATE bulk_operations
    SET done = done + $3, refused = refused + $4, reasons = $5, refusals = $6, last_id = $7, page = NULL
    WHERE id = $1 AND owner = $2 RETURNING true
"""
_FINISH = """
    UPDATE bulk_operations
    SET status = CASE status WHEN 'running' THEN $3 ELSE status END, error = $4, page = NULL,
        finished_at = coalesce(finished_at, now())
    WHERE id = $1 AND owner = $2
"""
