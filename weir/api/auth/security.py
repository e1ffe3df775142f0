"""What a route needs of who asks.

The middleware has found out already who that is (or why nobody is known) and put it into the request's ASGI scope; so
a request that is refused is known to the middlewares too.
"""

from typing import Any

from fastapi import Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer, SecurityScopes

from weir.api.auth.principal import Principal
from weir.api.auth.scopes import ScopeName
from weir.api.docs import SCRIPT, STYLE
from weir.api.problems import ProblemError

PUBLIC = frozenset({"/health", "/metrics", "/openapi.json", "/docs", SCRIPT, STYLE})
"""Paths that anybody may ask for."""
FOUND = "weir.principal"
"""Where the ASGI scope has the ``Principal``, or the ``ProblemError`` that tells why there is none."""
AGAIN = "weir.principal_again"
"""Where it has what finds that out once more: an async function of the scope, which must not be bound to it.  A scope
that led to itself would stay until the garbage collector comes, and bring it with every request."""

_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key, or a JWT of the OIDC issuer")


def check(request: Request, scope: ScopeName | str) -> Principal:
    """Who asks, when they may.  Raises ``ProblemError``: 401, 403."""
    found: Principal | ProblemError = request.scope[FOUND]
    if isinstance(found, ProblemError):
        raise found
    if not found.may(scope):  # type: ignore[arg-type]
        raise forbidden(found, scope)
    return found


def forbidden(who: Principal, scope: str) -> ProblemError:
    """403 for who lacks ``scope``."""
    return ProblemError(
        403,
        "forbidden",
        f"Expected the scope {scope}, but {who.name} has {', '.join(sorted(who.scopes)) or 'none'}",
        f"Ask an administrator for a role with {scope}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
    )


async def principal(scopes: SecurityScopes, request: Request, _: Any = Depends(_bearer)) -> Principal:  # noqa: B008
    """The dependency of every route: see ``needs``."""
    (scope,) = scopes.scopes
    return check(request, scope)


def needs(scope: ScopeName) -> Any:
    """The dependency of a route that only those with ``scope`` may ask."""
    return Security(principal, scopes=[scope])


def scopes_needed(dependant: Dependant) -> list[tuple[str | None, str]]:
    """What a route needs: (the parameter that is told who asks, scope); a route that is made well needs one."""
    found: list[tuple[str | None, str]] = []
    for one in dependant.dependencies:
        if one.call is principal:
            found += [(one.name, scope) for scope in one.own_oauth_scopes or ()]
        found += scopes_needed(one)
    return found
