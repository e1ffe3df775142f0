"""A middleware: who a request comes from.

``Authorization: Bearer`` with the administrator's key of the settings, an API key, or a JWT of the OIDC issuer.  A
request of nobody who is known goes on, for the route to refuse it, but without its body: nobody's bytes are read.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.settings import Settings
from weir.api import limits
from weir.api.auth.key_ring import KeyRing
from weir.api.auth.oidc import Issuer
from weir.api.auth.principal import ANYBODY, Principal
from weir.api.auth.scopes import SCOPES
from weir.api.auth.security import AGAIN, FOUND, PUBLIC
from weir.api.auth.unauthorized import unauthorized
from weir.api.database import Database
from weir.api.limits import Buckets, address_of, too_often
from weir.api.problems import ProblemError
from weir.keys.text import PREFIX, is_same

UNAUTHORIZED = 401
ADMIN = Principal(id="admin", name="admin", kind="api_key", roles=frozenset({"admin"}), scopes=frozenset(SCOPES))
"""Who has ``WEIR_API_ADMIN_KEY``."""


class Authentication:
    """Puts the principal into the request's scope; whether they may, the route decides."""

    def __init__(self, app: ASGIApp, settings: Settings, database: Database) -> None:
        self._app, self._off = app, settings.api_auth == "off"
        key = settings.api_admin_key
        self._admin_key = None if key is None else key.get_secret_value()
        self._ring, self._guesses = KeyRing(database), Buckets()
        self._issuer = None
        if settings.oidc_issuer is not None and settings.oidc_audience is not None:
            self._issuer = Issuer(settings.oidc_issuer, settings.oidc_audience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[FOUND] = found = await self._found(scope)
            scope[AGAIN] = self._found
            if isinstance(found, ProblemError):
                receive = _nothing
        await self._app(scope, receive, send)

    async def _found(self, scope: Scope) -> Principal | ProblemError:
        if self._off or scope["path"] in PUBLIC:
            return ANYBODY
        header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if header is None:
            return unauthorized("Expected to know who asks, but the request does not say", sent=False)
        kind, _, token = header.decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            return unauthorized(f"Expected Authorization: Bearer …, but got {kind[:20]}")
        try:
            return await self._principal(token.strip(), address_of(scope))
        except ProblemError as error:
            return error

    async def _principal(self, token: str, address: str) -> Principal:
        if self._admin_key is not None and is_same(token, self._admin_key):
            return ADMIN
        if token.startswith(PREFIX):
            return await self._owner(token, address)
        if self._issuer is not None:
            return await self._issuer.principal(token)
        raise unauthorized("Expected an API key, weir_<id>_<secret>")

    async def _owner(self, key: str, address: str) -> Principal:
        """Whose key it is; after some wrong ones of that address the database is not asked for each more."""
        if self._ring.remembers(key):
            return await self._ring.principal(key)
        if (missing := self._guesses.missing(address, limits.UNKNOWN_PER_S)) is not None:
            raise too_often(f"address {address}", limits.UNKNOWN_PER_S, missing)
        try:
            return await self._ring.principal(key)
        except ProblemError as error:
            if error.status == UNAUTHORIZED:
                self._guesses.take(address, limits.UNKNOWN_PER_S)
            raise


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
