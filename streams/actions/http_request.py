"""``http_request``: a request to an HTTP service, its redirects checked one by one, its answer as JSON or text.

The service may get it twice; the header ``Idempotency-Key`` is the same then.
"""

import asyncio
import re
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import orjson

from streams.actions.base import ActionError, ActionRequest, Effect, invalid_config, text_of
from streams.actions.http_client import HttpAnswer, HttpCall, HttpClient
from streams.actions.mqtt_publish import SHARE_OF_TIME, payload_bytes, readable
from streams.core import expressions

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
MAX_REDIRECTS = 5
MAX_REQUEST_BYTES = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TOLD = ("content-type", "etag", "last-modified", "location", "retry-after")
"""The headers of an answer that its output has."""
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"})
"""Headers of the connection, which a definition has nothing to say about."""
HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "content-type", "idempotency-key", "traceparent", "user-agent"}
)
"""The headers that follow a redirect to another origin: any other may hold a secret."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class HttpRequest:
    """Config: ``url``, ``method`` (default GET), ``headers``, ``body``, ``expect`` (statuses; default 200 to 299)."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        config, loop = request.config, asyncio.get_running_loop()
        end = loop.time() + request.time_left_s * SHARE_OF_TIME
        call = call_of(config, request.idempotency_key, request.traceparent)
        expect = expected_of(config)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._client.send(call, max(0.0, end - loop.time()))
            if answer.status not in REDIRECTS or answer.status in (expect or ()) or "location" not in answer.headers:
                return output_of(answer, call, expect)
            call = redirected(call, answer)
        raise ActionError(f"{call.place} redirects more than {MAX_REDIRECTS} times", "redirects")

    def dry_run(self, request: ActionRequest) -> Effect:
        expected_of(request.config)
        return effect_of(call_of(request.config, request.idempotency_key))


def effect_of(call: HttpCall) -> Effect:
    """What sending ``call`` does."""
    details = {"method": call.method, "url": call.url, "headers": dict(call.headers), "body": readable(call.body)}
    return Effect(f"sends {call.method} to {call.place}", details)


def call_of(config: dict[str, Any], idempotency_key: str, traceparent: str | None = None) -> HttpCall:
    """The request that ``config`` describes.  Raises ``ActionError``."""
    method, body = config.get("method", "GET"), config.get("body")
    if method not in METHODS:
        raise invalid_config(f"Expected one of {', '.join(sorted(METHODS))} in config.method, but got {method!r:.200}")
    headers = {"Accept-Encoding": "identity", "Idempotency-Key": idempotency_key}
    if traceparent is not None:
        headers["traceparent"] = traceparent
    if body is not None:
        headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    own = headers_of(config)
    named = {name.lower() for name in own}
    headers = {name: value for name, value in headers.items() if name.lower() not in named} | own
    content = None if body is None else payload_bytes(body)
    if content is not None and len(content) > MAX_REQUEST_BYTES:
        raise invalid_config(f"Expected a body of at most {MAX_REQUEST_BYTES} bytes, but got {len(content)}")
    url = text_of(config, "url")
    parts = checked(url)
    return HttpCall(method, url, headers, content, parts.hostname or "", place_of(parts))


def headers_of(config: dict[str, Any]) -> dict[str, str]:
    """The headers of ``config`` as texts.  Raises ``ActionError``."""
    given = config.get("headers") or {}
    if not isinstance(given, dict):
        raise invalid_config(f"Expected an object in config.headers, but got {type(given).__name__}")
    headers = {}
    for name, value in given.items():
        text = expressions.text_of(value)
        if not _NAME.fullmatch(name) or name.lower() in OURS:
            raise invalid_config(f"Expected a header that a request may have in config.headers, but got {name!r:.200}")
        if not _VALUE.fullmatch(text):
            raise invalid_config(f"Expected a header without line breaks in config.headers.{name}")
        headers[name] = text
    return headers


def expected_of(config: dict[str, Any]) -> list[int] | None:
    """The statuses that count as success, ``None`` for those of 2xx.  Raises ``ActionError``."""
    expect = config.get("expect")
    if expect is None:
        return None
    if not isinstance(expect, list) or not all(type(status) is int and 200 <= status <= 599 for status in expect):  # noqa: PLR2004
        raise invalid_config(f"Expected a list of statuses from 200 to 599 in config.expect, but got {expect!r:.200}")
    return expect


def checked(url: str) -> SplitResult:
    """The parts of a URL that may be asked.  Raises ``ActionError``, which does not repeat it."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError:
        raise invalid_config("Expected a URL in config.url, but its host or port is none") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid_config("Expected a URL with http:// or https:// and a host in config.url")
    if "@" in parts.netloc:
        raise invalid_config("Expected a URL without user and password in config.url: write a header")
    if any(character.isspace() or character < " " or character == "\\" for character in url):
        raise invalid_config("Expected a URL without spaces, backslashes and control characters in config.url")
    return parts


def place_of(parts: SplitResult) -> str:
    """The URL without its query, which may hold a token."""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:300]


def redirected(call: HttpCall, answer: HttpAnswer) -> HttpCall:
    """The request to where ``answer`` leads (RFC 9110, section 15.4).  Raises ``ActionError``."""
    url = urljoin(call.url, answer.headers["location"])
    try:
        parts = checked(url)
    except ActionError as error:
        raise ActionError(f"{call.place} redirects to what may not be asked: {error}", "redirects") from None
    method, body, headers = call.method, call.body, dict(call.headers)
    if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):  # noqa: PLR2004
        method, body = "HEAD" if method == "HEAD" else "GET", None
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    before = urlsplit(call.url)
    if _origin(before) != _origin(parts):
        if body is not None and (parts.scheme, parts.hostname) != ("https", before.hostname):
            why = "what it was sent may hold a secret, and does not follow there"
            raise ActionError(f"{call.place} redirects to {parts.scheme}://{parts.netloc}: {why}", "redirects")
        headers = {name: value for name, value in headers.items() if name.lower() in HARMLESS}
    return HttpCall(method, url, headers, body, parts.hostname or "", place_of(parts))


def output_of(answer: HttpAnswer, call: HttpCall, expect: list[int] | None) -> dict[str, Any]:
    """``{status, headers, body}``.  Raises ``ActionError`` for a status that is not expected, or a broken body."""
    status = answer.status
    if not (200 <= status < 300 if expect is None else status in expect):  # noqa: PLR2004
        shown = answer.body[:200].decode(errors="replace")
        raise ActionError(f"{call.place} answered {status}: {shown}", f"http_{status}")
    kind = answer.headers.get("content-type", "")
    body: Any = answer.body.decode(errors="replace")
    if answer.body and re.match(r"application/(?:[\w.+-]+\+)?json\b", kind, re.IGNORECASE):
        try:
            body = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise ActionError(f"Expected JSON from {call.place}, but got: {error}", "invalid_answer") from None
    headers = {name: answer.headers[name] for name in TOLD if name in answer.headers}
    return {"status": status, "headers": headers, "body": body}


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
