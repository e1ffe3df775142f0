"""A load of HTTP requests over connections that stay open, each with one request under way.

What it costs itself must be small beside a gateway: it knows of an answer its status and its length, no more.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass
class Answers:
    """What came back: seconds from request to answer, and how many of each status."""

    latencies_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: Callable[[], bytes | None], answers: Answers) -> None:
        self._next, self._answers = next_request, answers
        self._buffer = b""
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(_END)
        if head < 0:
            return
        at = self._buffer.index(_LENGTH) + len(_LENGTH)
        whole = head + len(_END) + int(self._buffer[at : self._buffer.index(b"\r", at)])
        if len(self._buffer) < whole:
            return
        self._answers.latencies_s.append(time.perf_counter() - self._sent_at)
        self._answers.statuses[int(self._buffer[9:12])] += 1
        self._buffer = self._buffer[whole:]
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("Expected an answer, but the connection was closed"))

    def _send(self) -> None:
        if (request := self._next()) is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def request(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a request."""
    named = {"Host": "bench", "Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def load(url: str, connections: int, next_request: Callable[[], bytes | None]) -> Answers:
    """Send what ``next_request`` returns until it returns ``None``, on so many connections.  Raises ``OSError``."""
    place, answers, loop = urlsplit(url), Answers(), asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(next_request, answers), place.hostname, place.port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    return answers
