"""A middleware: who a request comes from."""

from starlette.types import ASGIApp, Receive, Scope, Send

from streams.settings import Settings
from weir.api.auth.principal import ANYBODY
from weir.api.auth.security import FOUND


class Authentication:
    """Puts the principal into the request's scope; whether they may, the route decides."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[FOUND] = ANYBODY
        await self._app(scope, receive, send)
