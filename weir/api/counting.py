"""How many requests were answered with what, and how fast, by the path that their route was declared with."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.histogram import Histogram
from streams.monitoring import Sample

MISTAKE = 500
"""What the server answers to who asked for what raised."""


class Counts:
    """Requests since the start of the process."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str]] = Counter()
        """By (route, status)."""
        self.took: defaultdict[str, Histogram] = defaultdict(Histogram)
        """Seconds until the answer began, by route."""

    def samples(self) -> Iterator[Sample]:
        """For ``/metrics``."""
        for labels, times in self.answered.items():
            yield Sample("weir_api_requests_total", times, labels)
        for route, took in self.took.items():
            yield Sample("weir_api_request_seconds", took, (route,))


class Counting:
    """An ASGI middleware that counts."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, is_answered = time.perf_counter(), False

        def count(status: int) -> None:
            nonlocal is_answered
            is_answered = True
            route = getattr(scope.get("route"), "path", "other")
            self._counts.answered[route, str(status)] += 1
            self._counts.took[route].observe(time.perf_counter() - began)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            return await self._app(scope, receive, counted)
        except Exception:
            if not is_answered:
                count(MISTAKE)
            raise
