"""``database_query``: rows of a database as JSON, read in a transaction that cannot write."""

from typing import Any

from streams.actions.base import ActionRequest, Effect, invalid_config, text_of
from streams.actions.databases import Databases, SqlCall
from streams.actions.mqtt_publish import SHARE_OF_TIME
from streams.core.actions.database_query import MAX_ROWS, VERBS
from streams.core.actions.sql import parse_statement
from streams.core.expressions import ExpressionSyntaxError


class DatabaseQuery:
    """Config: ``query``, ``params`` (an object for ``:name``, a list for ``$1``), ``limit`` (default 100),
    ``database`` (a name of WEIR_DATABASES).

    The output is ``rows``, ``count``, and ``more``: whether there are rows beyond the limit.
    """

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        call, limit = call_of(request.config, "query", VERBS), limit_of(request.config)
        result = await self._databases.query(call, limit, request.time_left_s * SHARE_OF_TIME)
        return result.document()

    def dry_run(self, request: ActionRequest) -> Effect:
        call, limit = call_of(request.config, "query", VERBS), limit_of(request.config)
        self._databases.check(call.database)
        return effect_of(f"reads up to {limit} rows from", call, request.config["query"])


def call_of(config: dict[str, Any], field: str, verbs: frozenset[str]) -> SqlCall:
    """The statement in ``field`` with its arguments.  Raises ``ActionError``."""
    database = config.get("database")
    if database is not None and not isinstance(database, str):
        raise invalid_config(f"Expected a name in config.database, but got {database!r:.200}")
    try:
        statement = parse_statement(text_of(config, field), verbs)
        return SqlCall(statement.text, statement.arguments(config.get("params")), database)
    except ExpressionSyntaxError as error:
        raise invalid_config(f"config.{field}: {error}") from None
    except ValueError as error:
        raise invalid_config(f"config.params: {error}") from None


def limit_of(config: dict[str, Any]) -> int:
    """How many rows at most.  Raises ``ActionError``."""
    limit = config.get("limit", 100)
    if type(limit) is not int or not 1 <= limit <= MAX_ROWS:
        raise invalid_config(f"Expected a number from 1 to {MAX_ROWS} in config.limit, but got {limit!r:.200}")
    return limit


def effect_of(does: str, call: SqlCall, written: str) -> Effect:
    """What running ``call`` does."""
    where = "the database" if call.database is None else f"the database {call.database}"
    return Effect(f"{does} {where}", {"statement": written, "arguments": call.arguments, "database": call.database})
