"""Why a database that is there does not let us in, naming the setting: what no waiting heals."""

import os
import ssl
from urllib.parse import parse_qs, urlsplit

import asyncpg

from streams.tls import chain, tls_problem

FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
"""Parameters of the URL that name files."""
NO_TLS = "rejected SSL upgrade"
"""asyncpg's words for a server that answers a wish for TLS with no."""
_CHECK: dict[type[Exception], str] = {
    asyncpg.InvalidPasswordError: "user and password in DATABASE_URL",
    asyncpg.InvalidAuthorizationSpecificationError: "user, password and sslmode in DATABASE_URL",
    asyncpg.InvalidCatalogNameError: "DATABASE_URL",
    asyncpg.exceptions.ClientConfigurationError: "the parameters of DATABASE_URL",
}


def place_of(url: str) -> str:
    """``host:port/name`` of a database's URL, for messages."""
    parts = urlsplit(url[:])
    return f"{parts.netloc.rpartition('@')[2] or 'localhost'}{'' if _has_port(parts.netloc) else ':5432'}{parts.path}"


def refusal(error: BaseException, url: str) -> str | None:
    """What to tell when ``error``, out of connecting to ``url``, is a refusal; ``None`` when it is anything else."""
    why = _why(error, parse_qs(urlsplit(url[:]).query))
    return None if why is None else f"The database {place_of(url)} refuses us: {why}"


def _why(error: BaseException, parameters: dict[str, list[str]]) -> str | None:
    for kind, what in _CHECK.items():
        if isinstance(error, kind):
            return f"{error}. Check {what}"
    if isinstance(error, OSError):
        for name in FILES:
            if name in parameters and not os.access(parameters[name][-1], os.R_OK):
                return f"{name}={parameters[name][-1]} in DATABASE_URL cannot be read"
        return _about_tls(error)
    return None


def _about_tls(error: OSError) -> str | None:
    if (problem := tls_problem(error)) is not None:
        ours = "our certificate" in problem or "of us" in problem
        return f"{problem}. Check {'sslcert and sslkey' if ours else 'sslrootcert and the host'} in DATABASE_URL"
    if any(NO_TLS in str(one) for one in chain(error)):
        return "it does not speak TLS. Check sslmode in DATABASE_URL"
    if isinstance(error, ssl.SSLError) and "NO_CERTIFICATE" in (error.reason or ""):
        return "there is no certificate in the file. Check sslrootcert and sslcert in DATABASE_URL"
    return None


def _has_port(netloc: str) -> bool:
    return netloc.rpartition("@")[2].rpartition("]")[2].count(":") > 0
