"""How actions reach HTTP: one request, one answer, no redirect followed; and the fake that answers from a function.

Both obey one contract (``tests/actions/test_http_contract.py``).  The address is checked where the socket is made, with
the very address that it then connects to: a name that resolves to something else the next moment gains nothing.
Proxies of the environment, ``.netrc`` and cookies are left alone.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any, NamedTuple, Protocol

import aiohttp
from aiohttp.connector import AddrInfoType

from streams.actions.base import ActionError, invalid_config, unavailable
from streams.addresses import Allowed
from streams.tls import chain

MAX_BODY_BYTES = 48 * 1024
"""What an event has room for."""
CONNECT_S = 10.0


class _Try(NamedTuple):
    """A request under way: the host that it names, and why addresses of it were refused."""

    host: str
    refused: list[str]


_try: ContextVar[_Try] = ContextVar("try")
NOTHING = Allowed()


class HttpCall(NamedTuple):
    """One request; ``place`` is the URL as it may be told, without query."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    host: str
    place: str


class HttpAnswer(NamedTuple):
    """``headers`` by lower-case name; ``body`` of at most ``MAX_BODY_BYTES``."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Sends requests."""

    async def send(self, call: HttpCall, timeout_s: float) -> HttpAnswer:
        """The answer, whatever its status.  Raises ``ActionError``."""
        ...


class ForbiddenAddressError(OSError):
    """The address is not one that an action may reach."""


class AiohttpClient:
    """The real one."""

    def __init__(self, allowed: Allowed, tls: ssl.SSLContext | None = None) -> None:
        """``tls``: whom to trust, else whom the system does."""
        self._allowed, self._tls = allowed, tls
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Begin."""
        connector = aiohttp.TCPConnector(
            socket_factory=self._socket, use_dns_cache=False, limit=0, ssl=self._tls if self._tls is not None else True
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
        )

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def send(self, call: HttpCall, timeout_s: float) -> HttpAnswer:
        assert self._session is not None, "Expected the client to be started"
        attempt = _Try(call.host, [])
        _try.set(attempt)
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_S, timeout_s))
        try:
            async with self._session.request(
                call.method,
                call.url,
                headers=call.headers,
                data=call.body,
                allow_redirects=False,
                timeout=limits,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpAnswer(response.status, headers, await _body(response, call))
        except TimeoutError:
            raise unavailable(f"{call.place} did not answer within {timeout_s:.1f} s") from None
        except UnicodeError:  # the name of a host, which a look-up writes as IDNA
            raise invalid_config(f"Expected a host that can be looked up, but got {call.host!r:.200}") from None
        except (aiohttp.ClientError, OSError) as error:
            if attempt.refused:  # among several addresses the error itself is lost
                raise _forbidden(attempt.refused[0], call) from None
            raise _explained(error, call) from None

    def _socket(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        attempt = _try.get()
        if (why := self._allowed.refuses(attempt.host, ip_address(str(address[0]).partition("%")[0]))) is not None:
            attempt.refused.append(why)
            raise ForbiddenAddressError(why)
        return socket.socket(family, kind, protocol)


class FakeHttpClient:
    """Answers by a function; with ``available`` false, nobody is there.  ``calls`` are kept."""

    def __init__(self, answer: Callable[[HttpCall], HttpAnswer], allowed: Allowed = NOTHING) -> None:
        self._answer, self._allowed = answer, allowed
        self.available = True
        self.calls: list[HttpCall] = []

    async def send(self, call: HttpCall, timeout_s: float) -> HttpAnswer:
        if not self.available:
            await asyncio.sleep(0)
            raise unavailable(f"{call.place} could not be reached within {timeout_s:.1f} s")
        try:
            why = self._allowed.refuses(call.host, ip_address(call.host.strip("[]")))
        except ValueError:
            why = None  # a name: the fake knows no addresses
        if why is not None:
            raise _forbidden(why, call)
        self.calls.append(call)
        answer = self._answer(call)
        if len(answer.body) > MAX_BODY_BYTES:
            raise _too_large(call)
        return answer


async def _body(response: aiohttp.ClientResponse, call: HttpCall) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ActionError(f"Expected {call.place} to answer as asked, but its answer is compressed", "invalid_answer")
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BODY_BYTES:
            response.close()
            raise _too_large(call)
    return bytes(body)


def _explained(error: Exception, call: HttpCall) -> ActionError:
    for one in chain(error):
        if isinstance(one, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
            return ActionError(f"{call.place} has no certificate that is trusted here", "tls")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return ActionError(f"Expected a URL, but got: {type(error).__name__}", "invalid_config")
    return unavailable(f"{call.place} could not be reached: {_words(error)}")


def _words(error: Any) -> str:
    cause = getattr(error, "os_error", None) or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def _forbidden(why: str, call: HttpCall) -> ActionError:
    message = f"{call.place} may not be reached: {why}. Name it in WEIR_HTTP_ALLOW if it is meant"
    return ActionError(message, "forbidden_address")


def _too_large(call: HttpCall) -> ActionError:
    message = f"Expected {call.place} to answer with at most {MAX_BODY_BYTES} bytes, but got more"
    return ActionError(message, "answer_too_large")
