"""Errors of PostgreSQL as errors of an action, by SQLSTATE (PostgreSQL 17, appendix A)."""

from urllib.parse import urlsplit

import asyncpg

from streams.actions.base import ActionError, unavailable
from streams.tls import tls_problem

_TYPES = {
    "57014": "timeout",  # query_canceled
    "55P03": "database_busy",  # lock_not_available
    "57P01": "unavailable",  # admin_shutdown
    "57P02": "unavailable",  # crash_shutdown
    "57P03": "unavailable",  # cannot_connect_now
    "57P05": "unavailable",  # idle_session_timeout: the connection was kept for the next action
    "25P03": "timeout",  # idle_in_transaction_session_timeout
    "08": "unavailable",
    "53": "unavailable",  # disk, memory, connections
    "40": "database_busy",  # serialization, deadlock
    "23": "database_constraint",
    "28": "database_refused",
    "3D": "database_refused",
}
_READ_ONLY = "25006"


def place_of(url: str) -> str:
    """``host:port/name`` of a database's URL, for messages."""
    parts = urlsplit(url[:])
    return f"{parts.netloc.rpartition('@')[2] or 'localhost'}{parts.path}"


def explained(error: Exception, url: str, timeout_s: float, *, writes: bool) -> ActionError:
    """What to tell of ``error``; ``writes``: whether the statement was meant to."""
    place = place_of(url)
    if isinstance(error, TimeoutError):
        return ActionError(f"The database {place} was not done within {timeout_s:.1f} s", "timeout")
    if (problem := tls_problem(error)) is not None:
        return ActionError(f"The database {place} refuses us: {problem}", "database_refused")
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate is not None:
        return _of_state(error, error.sqlstate, place, writes=writes)
    if isinstance(error, asyncpg.DataError | asyncpg.exceptions.ClientConfigurationError):
        return ActionError(f"The database {place}: {error}", "database_error")
    if isinstance(error, asyncpg.UnsupportedClientFeatureError):  # ranges and composite types
        return ActionError(f"The database {place}: {error}. Write column::text", "database_error")
    return unavailable(f"The database {place} could not be reached: {type(error).__name__}: {error}")


def _of_state(error: asyncpg.PostgresError, state: str, place: str, *, writes: bool) -> ActionError:
    if state == _READ_ONLY:
        if writes:
            return unavailable(f"The database {place} is a standby now: {error}")
        return ActionError(
            f"The database {place}: {error}. A query cannot write: database_execute can", "database_error"
        )
    kind = _TYPES.get(state) or _TYPES.get(state[:2], "database_error")
    return ActionError(f"The database {place}: {error} (SQLSTATE {state})", kind)
