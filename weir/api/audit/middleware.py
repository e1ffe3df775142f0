"""A middleware: one record for every write, which Kafka has before the answer begins.

A write that has succeeded but cannot be recorded is answered 503: whoever asked must not take it for done.  A refusal
is answered as it is, since nothing was done.  Of those who ask too often one refusal a second is recorded: a flood
shall not fill the topic.
"""

import itertools
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weir.api import problems
from weir.api.audit.entry import CURRENT, Entry
from weir.api.limits import only_reads
from weir.api.problems import ProblemError, unavailable
from weir.api.sending import SEND_TIMEOUT_S, Sender

REFUSED = 400
TOO_MANY = 429
REFUSED_TIMEOUT_S = 2.0
"""So long a refusal waits for its record."""
FLOOD_S = 1.0
MAX_FLOODS = 1_000

log = structlog.get_logger("weir.api")


class Audit:
    """``clock`` gives monotonic seconds.  Inside of the authentication: whoever asks is known, or not."""

    def __init__(self, app: ASGIApp, sender: Sender, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._sender, self._clock = app, sender, clock
        self._name, self._numbers = uuid.uuid4().hex[:16], itertools.count(1)
        self._floods: OrderedDict[str, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or only_reads(scope):
            return await self._app(scope, receive, send)
        entry = Entry(f"{self._name}-{next(self._numbers)}", scope)
        instead = False
        """Whether another answer than the application's was given."""

        async def audited(message: Message) -> None:
            nonlocal instead
            if message["type"] == "http.response.start":
                try:
                    await self._record(entry, message["status"])
                except ProblemError as error:
                    instead = True
                    return await problems.answer(Request(scope), error)(scope, receive, send)
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", entry.request_id.encode())]
            if not instead:
                await send(message)
            return None

        token = CURRENT.set(entry)
        try:
            await self._app(scope, receive, audited)
        except Exception:
            await self._record(entry, 500)
            raise
        finally:
            CURRENT.reset(token)
        return None

    async def _record(self, entry: Entry, status: int) -> None:
        """Raises ``ProblemError`` for what has been done but cannot be recorded."""
        if entry.recorded == status or (status == TOO_MANY and self._is_flood(entry.who)):
            return
        try:
            await self._sender.record(entry, status, REFUSED_TIMEOUT_S if status >= REFUSED else SEND_TIMEOUT_S)
        except ProblemError as error:
            if status >= REFUSED:
                log.warning("a refused write is not in the audit", status=status, error=error.detail)
                return
            detail = f"Expected to record what was done, but: {error.detail}. It may have been done all the same"
            raise unavailable("not_recorded", detail, "Look at what it is about; or send it again.", 1) from error

    def _is_flood(self, who: str) -> bool:
        now, last = self._clock(), self._floods.get(who)
        if last is not None and now - last < FLOOD_S:
            return True
        self._floods[who] = now
        self._floods.move_to_end(who)
        if len(self._floods) > MAX_FLOODS:
            self._floods.popitem(last=False)
        return False
