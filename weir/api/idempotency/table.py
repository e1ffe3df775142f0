"""``idempotency_keys``: the only place that reads and writes it."""

import uuid
from typing import NamedTuple

import asyncpg
import msgspec

from weir.api.idempotency.plan import Plan

PURGED = 10_000
"""Rows that one statement deletes."""


class Asked(NamedTuple):
    """A write, as it was named: by whom, and what it was."""

    principal: str
    key: str
    route: str
    body_hash: bytes


class Kept(msgspec.Struct, frozen=True):
    """The answer of a write that was carried out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Other:
    """The key names another write."""


class UnderWay:
    """Somebody carries it out."""


async def reserve(
    connection: asyncpg.Connection, asked: Asked, lease_s: float, keep_s: float
) -> Plan | Kept | Other | UnderWay:
    """The plan by which to carry it out, or why not."""
    row = await connection.fetchrow(_RESERVE, *asked, uuid.uuid4(), lease_s, keep_s)
    if row is not None:
        return Plan(row["seed"], row["reserved_at"].timestamp(), repeated=False)
    row = await connection.fetchrow(_TAKE_OVER, *asked, lease_s)
    if row is not None:
        return Plan(row["seed"], row["reserved_at"].timestamp(), repeated=True)
    row = await connection.fetchrow(_FIND, asked.principal, asked.key)
    if row is None:  # given up at this moment
        return UnderWay()
    if (row["route"], row["body_hash"]) != (asked.route, asked.body_hash):
        return Other()
    if row["status"] is None:
        return UnderWay()
    headers = msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
    return Kept(row["status"], headers, row["answer"])


async def keep(connection: asyncpg.Connection, asked: Asked, plan: Plan, answer: Kept) -> None:
    """It was carried out, and answered so."""
    headers = msgspec.json.encode(answer.headers).decode()
    await connection.execute(_KEEP, asked.principal, asked.key, plan.seed, answer.status, headers, answer.body)


async def forget(connection: asyncpg.Connection, asked: Asked, plan: Plan) -> None:
    """Nothing was done: the key is free."""
    await connection.execute(_FORGET, asked.principal, asked.key, plan.seed)


async def let_go(connection: asyncpg.Connection, asked: Asked, plan: Plan) -> None:
    """Nobody knows whether it was done: whoever comes next carries it out by the same plan."""
    await connection.execute(_LET_GO, asked.principal, asked.key, plan.seed)


async def purge(connection: asyncpg.Connection) -> int:
    """Delete what has expired, in steps; returns how many rows."""
    deleted = 0
    while True:
        status: str = await connection.execute(_PURGE, PURGED)
        rows = int(status.rpartition(" ")[2])  # "DELETE <rows>"
        deleted += rows
        if rows < PURGED:
            return deleted


_RESERVE = """
    INSERT INTO idempotency_keys AS known
        (principal, key, route, body_hash, seed, reserved_at, locked_until, expires_at)
    VALUES ($1, $2, $3, $4, $5, now(), now() + $6 * interval '1 second', now() + $7 * interval '1 second')
    ON CONFLICT (principal, key) DO UPDATE
    SET route = EXCLUDED.route, body_hash = EXCLUDED.body_hash, seed = EXCLUDED.seed,
        reserved_at = EXCLUDED.reserved_at, locked_until = EXCLUDED.locked_until, expires_at = EXCLUDED.expires_at,
        status = NULL, headers = NULL, answer = NULL
    WHERE known.expires_at <= now()
    RETURNING seed, reserved_at
"""
_TAKE_OVER = """
    UPDATE idempotency_keys SET locked_until = now() + $5 * interval '1 second'
    WHERE principal = $1 AND key = $2 AND route = $3 AND body_hash = $4 AND status IS NULL AND locked_until <= now()
    RETURNING seed, reserved_at
"""
_FIND = "SELECT route, body_hash, status, headers::text, answer FROM idempotency_keys WHERE principal = $1 AND key = $2"
_KEEP = """
    UPDATE idempotency_keys SET status = $4, headers = $5, answer = $6
    WHERE principal = $1 AND key = $2 AND seed = $3
"""
_FORGET = "DELETE FROM idempotency_keys WHERE principal = $1 AND key = $2 AND seed = $3 AND status IS NULL"
_LET_GO = "UPDATE idempotency_keys SET locked_until = now() WHERE principal = $1 AND key = $2 AND seed = $3"
_PURGE = """
    DELETE FROM idempotency_keys WHERE (principal, key) IN (
        SELECT principal, key FROM idempotency_keys WHERE expires_at <= now() LIMIT $1
    )
"""
