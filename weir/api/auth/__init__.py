"""Who asks, and what they may.

    scopes.py          what can be allowed, and the roles: names of sets of it
    principal.py       who asks
    security.py        what a route needs: one scope, told by OpenAPI too
    authentication.py  a middleware: who a request comes from

A route says what it needs, in its decorator or, when it wants to know who asks, as a parameter::

    @router.get("/definitions", dependencies=[needs("processes:view")])
    async def claim(id_: str, who: Annotated[Principal, needs("tasks:work")]) -> …

Every route needs exactly one scope or stands in ``PUBLIC``; `tests/api/test_scopes.py` walks them all.
"""

from weir.api.auth.principal import Principal
from weir.api.auth.scopes import ROLES, SCOPES, ScopeName
from weir.api.auth.security import PUBLIC, needs, principal

__all__ = ["PUBLIC", "ROLES", "SCOPES", "Principal", "ScopeName", "needs", "principal"]
