"""``database_query``: read rows from a database."""

from typing import Annotated, ClassVar

from pydantic import Field

from streams.core.actions.base import ActionSpec
from streams.core.actions.database import DatabaseConfig, Sql

MAX_ROWS = 1_000
VERBS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})


class DatabaseQueryConfig(DatabaseConfig):
    """The statement runs in a transaction that cannot write.  ``limit`` is how many rows come back at most."""

    statement_field: ClassVar[str] = "query"
    verbs: ClassVar[frozenset[str]] = VERBS

    query: Sql
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 100


DATABASE_QUERY = ActionSpec("database_query", DatabaseQueryConfig, inline=False)
