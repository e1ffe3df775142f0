"""What ``database_query`` and ``database_execute`` share: a database, one statement, its parameters."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.actions.base import ActionConfig
from streams.core.actions.sql import Statement, parse_statement
from streams.core.expressions import ExpressionSyntaxError
from streams.core.scalars import SecretJson

MAX_SQL = 16_384

DatabaseName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", description="One of WEIR_DATABASES; without it, DATABASE_URL"),
]
Sql = Annotated[
    str, Field(min_length=1, max_length=MAX_SQL, description="One SQL statement, its values as :name or $1")
]


class DatabaseConfig(ActionConfig):
    """``params`` is an object for ``:name``, a list for ``$1``, or an expression that yields one of them."""

    statement_field: ClassVar[str]
    verbs: ClassVar[frozenset[str]]

    params: SecretJson = None
    database: DatabaseName | None = None

    def parsed(self) -> Statement:
        """The statement, read."""
        return parse_statement(getattr(self, self.statement_field), self.verbs)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        try:
            statement = self.parsed()
        except ExpressionSyntaxError as error:
            details = vars(error) | {"message": str(error), "field": self.statement_field}
            raise PydanticCustomError("sql", "{message}", details) from None
        try:
            self._check_params(statement, self.params)
        except ValueError as error:
            where = "params" if self.params is not None else self.statement_field
            raise PydanticCustomError("sql", "{message}", {"message": str(error), "field": where}) from None
        return self

    @staticmethod
    def _check_params(statement: Statement, params: Any) -> None:
        if isinstance(params, str) and "${" in params:  # what it yields is checked when it is known
            return
        if statement.names and isinstance(params, dict):
            statement.check_names(params)
        elif not statement.names and isinstance(params, list):
            statement.check_count(params)
        else:
            statement.arguments(params)
