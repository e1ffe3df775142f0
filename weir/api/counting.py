"""How many requests were answered with what, by the path that their route was declared with."""

from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Counting:
    """An ASGI middleware; ``answered`` counts by (route, status)."""

    def __init__(self, app: ASGIApp, answered: Counter[tuple[str, str]]) -> None:
        self._app, self._answered = app, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._answered[route, str(message["status"])] += 1
            await send(message)

        return await self._app(scope, receive, counted)
