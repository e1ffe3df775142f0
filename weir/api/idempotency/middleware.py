"""A middleware: writes with an ``Idempotency-Key`` are carried out once, and answered as before.

Behind the body's limit, since the body tells whether it is the same write.  Kept is the answer of what was done or,
once a command was sent, refused.  What was refused before that leaves the key free for the corrected write; of what
ended in an error of ours or Kafka's the plan stays, for who repeats it.
"""

import asyncio
import hashlib
from collections.abc import MutableSequence
from typing import Any, NoReturn

import msgspec
import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weir.api import problems
from weir.api.audit.entry import CURRENT as ENTRY
from weir.api.auth.principal import Principal
from weir.api.auth.security import FOUND
from weir.api.database import Database
from weir.api.idempotency import table
from weir.api.idempotency.plan import CURRENT, Plan, told_once
from weir.api.idempotency.table import Asked, Kept
from weir.api.limits import BODY, only_reads
from weir.api.problems import ProblemError
from weir.api.waiting import MAX_WAIT_S

HEADER = b"idempotency-key"
MAX_KEY = 200
LEASE_S = 15.0
"""So long whoever carries a write out is not taken for gone, beside what it waits for."""
PURGE_S = 600.0
REPLAYED = (b"idempotency-replayed", b"true")
OF_THE_BODY = frozenset({"content-type", "location"})
"""Headers that are kept."""
SERVER_ERROR, REFUSED = 500, 400
NOT_CARRIED_OUT = frozenset({401, 403, 429})

log = structlog.get_logger("weir.api")


class Idempotency:
    """``keep_s``: how long a key and its answer are known, in seconds."""

    def __init__(self, app: ASGIApp, database: Database, keep_s: float) -> None:
        self._app, self._database, self._keep_s = app, database, keep_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = None
        if scope["type"] == "http" and not only_reads(scope) and isinstance(scope[FOUND], Principal):
            key = next((value for name, value in scope["headers"] if name == HEADER), None)
        if key is None:
            return await self._app(scope, receive, send)
        try:
            asked = _asked(scope, key)
            reserved = await self._reserve(asked, scope)
        except ProblemError as error:
            if error.status < SERVER_ERROR or not _has_its_own_time(scope):
                return await problems.answer(Request(scope), error)(scope, receive, send)
            return await self._app(scope, receive, send)
        if isinstance(reserved, Kept):
            return await _send(send, reserved, REPLAYED)
        return await self._carry_out(asked, reserved, scope, receive, send)

    async def _reserve(self, asked: Asked, scope: Scope) -> Plan | Kept:
        """Raises ``ProblemError``."""
        lease_s = LEASE_S + (MAX_WAIT_S if b"wait=" in scope["query_string"] else 0)
        async with self._database.connection() as connection:
            reserved = await table.reserve(connection, asked, lease_s, self._keep_s)
        if isinstance(reserved, table.Other):
            message = "Expected the write that this Idempotency-Key has named before, but this is another"
            fix = "Take a new key for a new write."
            errors = [("header.idempotency-key", message)]
            raise ProblemError(422, "idempotency_key_reused", message, fix, errors=errors)
        if isinstance(reserved, table.UnderWay):
            detail = "The write with this Idempotency-Key is being carried out"
            raise ProblemError(409, "under_way", detail, "Send it again in a moment.", headers={"Retry-After": "1"})
        return reserved

    async def _carry_out(self, asked: Asked, plan: Plan, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def gather(message: Message) -> None:
            messages.append(message)

        token = CURRENT.set(plan)
        try:
            await self._app(scope, receive, gather)
        except BaseException:
            await self._settle(asked, plan, None)
            raise
        finally:
            CURRENT.reset(token)
        await self._settle(asked, plan, _gathered(messages))
        for message in messages:
            await send(message)

    async def _settle(self, asked: Asked, plan: Plan, found: Kept | None) -> None:
        """A database that is away meanwhile leaves the key reserved: it is taken over by who repeats the write."""
        entry = ENTRY.get()
        has_sent = plan.repeated or (entry is not None and entry.has_sent)
        try:
            async with self._database.connection() as connection:
                if found is None or found.status >= SERVER_ERROR:
                    await (table.let_go if has_sent else table.forget)(connection, asked, plan)
                elif found.status < REFUSED or (has_sent and found.status not in NOT_CARRIED_OUT):
                    await table.keep(connection, asked, plan, _untold() if plan.untold else found)
                else:
                    await table.forget(connection, asked, plan)
        except ProblemError as error:
            log.warning("the answer of a write with an Idempotency-Key is not kept", error=error.detail)

    async def purge(self) -> NoReturn:
        """Forget what has expired, again and again."""
        while True:
            await asyncio.sleep(PURGE_S)
            try:
                async with self._database.connection() as connection:
                    await table.purge(connection)
            except ProblemError as error:
                log.warning("expired Idempotency-Keys are not deleted", error=error.detail)


def _asked(scope: Scope, key: bytes) -> Asked:
    """Raises ``ProblemError`` (422) for a key that is none.  In the draft it is a string in quotes."""
    text = key.decode("latin-1").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not 0 < len(text) <= MAX_KEY or not text.isprintable():
        message = f"Expected an Idempotency-Key of 1 to {MAX_KEY} printable characters"
        errors = [("header.idempotency-key", message)]
        raise ProblemError(422, "invalid_request", message, "Take a UUID.", errors=errors)
    who: Principal = scope[FOUND]
    route = f"{scope['method']} {scope['path']}".replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Asked(f"{who.kind} {who.id}", text, route, hashlib.sha256(scope.get(BODY, b"")).digest())


def _has_its_own_time(scope: Scope) -> bool:
    """Whether it is a start that is the same without the database, too: by its ``requested_at``."""
    if not scope["path"].endswith("/start"):
        return False
    try:
        body = msgspec.json.decode(scope.get(BODY, b""))
    except (msgspec.MsgspecError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("requested_at") is not None


def _gathered(messages: MutableSequence[Message]) -> Kept | None:
    """``None``: it was not answered."""
    if not messages:
        return None
    start, *rest = messages
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
    body = b"".join(message.get("body", b"") for message in rest)
    return Kept(start["status"], [one for one in headers if one[0].lower() in OF_THE_BODY], body)


def _untold() -> Kept:
    problem = told_once()
    body = msgspec.json.encode(problems.document(problem))
    return Kept(problem.status, [("content-type", problems.CONTENT_TYPE)], body)


async def _send(send: Send, found: Kept, *more: tuple[bytes, bytes]) -> None:
    headers: list[Any] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found.headers]
    headers += [(b"content-length", str(len(found.body)).encode()), *more]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": found.body, "more_body": False})
