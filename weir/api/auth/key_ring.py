"""Whose API key it is: from the database, remembered for some seconds.

While the database is away, keys that were seen lately go on: a revocation could not be written either.
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from projections.queries.api_keys import ApiKey, api_key
from weir.api.auth.principal import Principal
from weir.api.auth.scopes import known_scopes, scopes_of_roles
from weir.api.auth.unauthorized import unauthorized
from weir.api.database import Database
from weir.api.problems import ProblemError
from weir.keys import table
from weir.keys.text import hash_of, split

FRESH_S = 10.0
"""After so long a revocation is known everywhere."""
STALE_S = 600.0
MAX_KEYS = 10_000


class _Known(msgspec.Struct):
    key: ApiKey
    secret_hash: bytes
    principal: Principal
    read_at: float


class KeyRing:
    """``clock`` gives monotonic seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock = database, clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def principal(self, text: str) -> Principal:
        """Who has this key.  Raises ``ProblemError``: 401, or 503 while the database is away."""
        parts = split(text)
        if parts is None:
            raise unauthorized("Expected a whole API key, weir_<id>_<secret>")
        id_, secret = parts
        known = await self._find(id_)
        if known is None or not hmac.compare_digest(known.secret_hash, hash_of(secret)):
            raise unauthorized("Expected an API key that there is")
        if known.key.revoked_at is not None:
            raise unauthorized(f"The API key {id_} was revoked")
        if known.key.expires_at is not None and known.key.expires_at <= datetime.now(UTC):
            raise unauthorized(f"The API key {id_} has expired")
        return known.principal

    def remembers(self, text: str) -> bool:
        """Whether the key with that id was seen lately, so that a guess is not what asks for it."""
        parts = split(text)
        return parts is None or parts[0] in self._known

    async def _find(self, id_: str) -> _Known | None:
        known = self._known.get(id_)
        if known is not None and self._clock() - known.read_at <= FRESH_S:
            return known
        try:
            async with self._database.connection() as connection:
                row = await api_key(connection, id_)
                if row is not None:
                    await table.used(connection, id_)
        except ProblemError:
            if known is None or self._clock() - known.read_at > STALE_S:
                raise
            return known
        self._known.pop(id_, None)
        if row is None:
            return None
        self._known[id_] = found = _Known(row[0], row[1], principal_of(row[0]), self._clock())
        if len(self._known) > MAX_KEYS:
            self._known.popitem(last=False)
        return found


def principal_of(key: ApiKey) -> Principal:
    """As whom a key acts, and what it may."""
    return Principal(
        id=key.user_id or key.name,
        name=key.name,
        kind="api_key",
        groups=frozenset(key.groups),
        roles=frozenset(key.roles),
        scopes=scopes_of_roles(key.roles) | known_scopes(key.scopes),
    )
