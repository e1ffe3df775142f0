"""Tokens of an OIDC issuer: JWTs that are verified with the keys that it publishes.

The issuer is asked for its keys when a token names one that is not known, and not more often than every
``LEAST_S``; keys that are known go on while it is away.  Only asymmetric algorithms: with a symmetric one whoever
verifies could sign, and a public key could be taken for a secret.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
import jwt
import orjson
import structlog
from jwt.exceptions import PyJWKSetError, PyJWTError

from weir.api.auth.principal import Principal
from weir.api.auth.scopes import known_scopes, scopes_of_roles
from weir.api.auth.unauthorized import unauthorized
from weir.api.problems import unavailable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_S = 30
LEAST_S = 10.0
"""Between two looks at the issuer's keys, whatever tokens name."""
MOST_S = 3_600.0
"""After so long they are looked at again: a key that was withdrawn is known no longer than that."""
TIMEOUT_S = 5.0
MAX_BYTES = 1_000_000
MAX_GROUPS = 200

log = structlog.get_logger("weir.api")


class IssuerError(Exception):
    """The issuer does not answer as one."""


class Issuer:
    """``clock`` gives monotonic seconds."""

    def __init__(self, url: str, audience: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._audience, self._clock = url, audience, clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = self._read_at = -MOST_S
        self._trouble: str | None = "it has not been asked yet"
        self._asking = asyncio.Lock()

    async def principal(self, token: str) -> Principal:
        """Whose token it is.  Raises ``ProblemError``: 401, or 503 while its key cannot be had."""
        try:
            header = jwt.get_unverified_header(token)
        except PyJWTError as error:
            raise unauthorized(f"Expected an API key or a JWT, but got: {error}") from None
        if header.get("alg") not in ALGORITHMS:
            raise unauthorized(
                f"Expected a JWT signed by one of {', '.join(ALGORITHMS)}, but got {header.get('alg')!r}"
            )
        key = await self._key(header.get("kid"))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._url,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except PyJWTError as error:
            raise unauthorized(f"Expected a valid JWT of {self._url} for {self._audience}, but got: {error}") from None
        return principal_of(claims)

    async def _key(self, kid: object) -> jwt.PyJWK:
        if not isinstance(kid, str):
            raise unauthorized("Expected a JWT whose header names its key (kid)")
        if kid not in self._keys or self._clock() - self._read_at > MOST_S:
            await self._look()
        if (found := self._keys.get(kid)) is not None:
            return found
        if self._trouble is not None:
            detail = f"The key of this token is not known, and {self._url} does not tell it: {self._trouble}"
            raise unavailable("issuer_unreachable", detail, "Try again, or use an API key.", int(LEAST_S))
        raise unauthorized(f"Expected a JWT signed with a key of {self._url}, but got kid {kid!r}")

    async def _look(self) -> None:
        """Ask for the keys, unless that has just been done; who comes meanwhile waits for the answer."""
        async with self._asking:
            if self._clock() - self._asked_at < LEAST_S:
                return
            self._asked_at = self._clock()
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    self._keys = await _keys_of(self._url)
            except (IssuerError, TimeoutError, aiohttp.ClientError, OSError, ValueError, PyJWTError) as error:
                self._trouble = f"{type(error).__name__}: {error}"
                log.warning("the OIDC issuer does not tell its keys", issuer=self._url, error=self._trouble)
                return
            self._read_at, self._trouble = self._clock(), None


async def _keys_of(issuer: str) -> dict[str, jwt.PyJWK]:
    """By ``kid``.  OpenID Connect Discovery 1.0, section 4; RFC 7517."""
    async with aiohttp.ClientSession() as session:
        document = await _fetched(session, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise IssuerError(f"Expected the discovery document of {issuer}, but it is {document.get('issuer')!r}'s")
        place = document.get("jwks_uri")
        if not isinstance(place, str) or not place.startswith(("https://", issuer)):
            raise IssuerError(f"Expected a jwks_uri over https, but got {place!r}")
        published = await _fetched(session, place)
    try:
        found = jwt.PyJWKSet.from_dict(published).keys
    except PyJWKSetError as error:
        raise IssuerError(str(error)) from error
    return {key.key_id: key for key in found if key.key_id and key.public_key_use in (None, "sig")}


async def _fetched(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    raw = bytearray()
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:  # noqa: PLR2004  OK
            raise IssuerError(f"Expected a document at {url}, but got {answer.status}")
        async for some in answer.content.iter_any():  # one read gives what has come so far, which may be a part
            raw += some
            if len(raw) > MAX_BYTES:
                raise IssuerError(f"Expected a document of at most {MAX_BYTES} bytes at {url}, but got more")
    document = orjson.loads(raw)
    if not isinstance(document, dict):
        raise IssuerError(f"Expected a JSON object at {url}")
    return document


def principal_of(claims: dict[str, Any]) -> Principal:
    """Who a token is about: ``sub``, ``scope`` or ``scp``, ``roles``, ``groups``, ``name``."""
    subject = claims["sub"]
    roles = frozenset(_texts(claims.get("roles")))
    name = next((n for n in (claims.get("name"), claims.get("preferred_username")) if isinstance(n, str)), subject)
    return Principal(
        id=subject,
        name=name,
        kind="user",
        groups=frozenset(list(_texts(claims.get("groups")))[:MAX_GROUPS]),
        roles=roles,
        scopes=known_scopes([*_texts(claims.get("scope")), *_texts(claims.get("scp"))]) | scopes_of_roles(roles),
    )


def _texts(claim: object) -> Iterable[str]:
    """A list of texts, or texts with spaces between; anything else names nothing."""
    if isinstance(claim, str):
        return claim.split()
    return [one for one in claim if isinstance(one, str)] if isinstance(claim, list) else []
