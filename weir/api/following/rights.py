"""Whether who listens to events still may: a key may be revoked, or a token expire, while its stream goes on."""

import time

from fastapi import Request

from weir.api.auth.principal import Principal
from weir.api.auth.security import AGAIN
from weir.api.problems import ProblemError

EVERY_S = 10.0
"""How often it is asked: within twice of that a revocation is known."""
UNKNOWN = 500
"""An answer from here on tells nothing: the database or the issuer is away, and a revocation could not be seen."""


class Rights:
    """Of one stream, which began as ``who``."""

    def __init__(self, request: Request, who: Principal) -> None:
        self._request, self._who, self._asked_at = request, who, time.monotonic()

    async def over(self) -> ProblemError | None:
        """Why the stream has to end; asked as often as one likes, it is looked at now and then."""
        if time.monotonic() - self._asked_at < EVERY_S:
            return None
        scope = self._request.scope
        found: Principal | ProblemError = await scope[AGAIN](scope)
        self._asked_at = time.monotonic()
        if isinstance(found, ProblemError):
            return found if found.status < UNKNOWN else None
        if found.scopes != self._who.scopes:
            detail = f"What {found.name} may has changed since the stream began"
            return ProblemError(403, "rights_changed", detail, "Connect again with Last-Event-ID.")
        return None
