"""``database_execute``: change rows of a database, once."""

from typing import ClassVar

from streams.core.actions.base import ActionSpec
from streams.core.actions.database import DatabaseConfig, Sql

VERBS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "SELECT", "CALL"})


class DatabaseExecuteConfig(DatabaseConfig):
    """Rows of a ``RETURNING`` come back."""

    statement_field: ClassVar[str] = "statement"
    verbs: ClassVar[frozenset[str]] = VERBS

    statement: Sql


DATABASE_EXECUTE = ActionSpec("database_execute", DatabaseExecuteConfig, inline=False)
