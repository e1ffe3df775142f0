"""Middlewares: how often one may ask, and how much one may send.

Both answer before anything is read.  A body is read here whole, since every route wants it whole; so what is too long
is refused wherever its length is told, or as soon as it is passed.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weir.api import problems
from weir.api.auth.principal import Principal
from weir.api.auth.security import FOUND
from weir.api.problems import ProblemError

BODY = "weir.body"
"""Where the ASGI scope has the body of a request that was read whole."""
UNKNOWN_PER_S = 20.0
"""Requests a second of an address whose requests do not say who asks: guessing keys is slow."""
BURST_S = 2.0
"""So many seconds' worth may come at once."""
MAX_BUCKETS = 10_000
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
QUESTIONS = frozenset({"/graphql"})
"""Paths where a body asks, and changes nothing."""


def only_reads(scope: Scope) -> bool:
    """Whether a request changes nothing, whatever is in it."""
    return scope["method"] in BODILESS or scope["path"] in QUESTIONS


class _Bucket(msgspec.Struct):
    tokens: float
    at: float


class Buckets:
    """A token bucket for each name, which fills with ``per_s`` tokens a second; ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, per_s: float) -> float | None:
        """Take one token; when there is none, how much is missing."""
        if (missing := self.missing(name, per_s)) is None:
            self._buckets[name].tokens -= 1
        return missing

    def missing(self, name: str, per_s: float) -> float | None:
        """How much of a token is missing; ``None``: one is there."""
        now, most = self._clock(), max(1.0, per_s * BURST_S)
        bucket = self._buckets.get(name)
        if bucket is None:
            self._buckets[name] = bucket = _Bucket(most, now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * per_s)
        bucket.at = now
        return 1 - bucket.tokens if bucket.tokens < 1 else None


class RateLimit:
    """A bucket for each principal, or address of those who are none; ``clock`` gives monotonic seconds."""

    def __init__(self, app: ASGIApp, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._per_s, self._buckets = app, per_s, Buckets(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)) is not None:
            return await problems.answer(Request(scope), refusal)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        found, address = scope[FOUND], address_of(scope)
        if not isinstance(found, Principal):
            who, per_s = f"address {address}", min(self._per_s, UNKNOWN_PER_S)
        elif found.kind == "anonymous":  # who asks for what is public must not take it from everybody else
            who, per_s = f"anonymous at {address}", self._per_s
        else:
            who, per_s = f"{found.kind} {found.id}", self._per_s
        missing = self._buckets.take(who, per_s)
        return None if missing is None else too_often(who, per_s, missing)


def address_of(scope: Scope) -> str:
    """From where a request comes."""
    return str((scope.get("client") or ("unknown",))[0])


def too_often(who: str, per_s: float, missing: float) -> ProblemError:
    """429, until the rest of a token is there."""
    after = max(1, math.ceil(missing / per_s))
    detail = f"Expected at most {per_s:g} requests a second of {who}"
    return ProblemError(429, "too_many_requests", detail, "Slow down.", headers={"Retry-After": str(after)})


class BodyLimit:
    """Puts the body of a write into the request's scope, and gives it to the route."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS or isinstance(scope[FOUND], ProblemError):
            return await self._app(scope, receive, send)
        try:
            body = await self._read(scope, receive)
        except ProblemError as error:
            return await problems.answer(Request(scope), error)(scope, receive, send)
        if body is None:
            return None
        scope[BODY] = body
        return await self._app(scope, _once(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """``None``: whoever asked has gone.  Raises ``ProblemError``."""
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if told.isdigit() and int(told) > self._max:
            raise self._too_long(told.decode())
        chunks, length = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            chunk = message.get("body", b"")
            length += len(chunk)
            if length > self._max:
                raise self._too_long("more")
            chunks.append(chunk)
            if not message.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _too_long(self, length: str) -> ProblemError:
        detail = f"Expected a body of at most {self._max} bytes, but got {length}"
        headers = {"Connection": "close"}  # what is still on its way would be taken for the next request
        return ProblemError(413, "too_large", detail, "Send less, or a reference to it.", headers=headers)


def _once(body: bytes, receive: Receive) -> Receive:
    """A body that was read, then whatever comes behind it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
