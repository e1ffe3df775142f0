"""A middleware: headers that keep a browser from making more of an answer than it is.

OWASP's REST Security Cheat Sheet.  No ``Strict-Transport-Security``: TLS is whose proxy stands before the gateway.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""Unless the route has set another value."""


class SecurityHeaders:
    """Adds ``HEADERS`` to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                names = {name.lower() for name, _ in given}
                message["headers"] = [*given, *(one for one in HEADERS if one[0] not in names)]
            await send(message)

        return await self._app(scope, receive, headed)
