"""``database``: rows of a query start the process, each once.

The query is asked again and again for the rows behind a *watermark*: columns whose values, taken together, are unique
and only grow in the order in which rows become visible, such as an identity column, or a time and an id beside it.  A
row that is committed with a smaller value than one that was read already is never seen; rows with equal values are
refused, since it could not be told which of them have started.

A poll is an action like any other, performed by an action worker in a transaction that cannot write; its answer starts
one instance for each row and moves the watermark, in one transaction.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from streams.core.actions.database import MAX_SQL, DatabaseName
from streams.core.actions.database_query import VERBS
from streams.core.actions.sql import parse_statement, without_end
from streams.core.expressions import ExpressionSyntaxError, Path, compile_path
from streams.core.moments import Every
from streams.core.scalars import Duration, PathText, VariableName, syntax_error
from streams.core.triggers.base import Trigger

MARK = "weir_mark_"
MIN_EVERY_MS = 1_000
MAX_ROWS = 500
MAX_COLUMNS = 4


def _query(text: str) -> str:
    try:
        statement = parse_statement(text, VERBS)
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from None
    if statement.highest or any(name.startswith(MARK) for name in statement.names):
        fix = "Write :name, and its value under 'params'"
        raise PydanticCustomError("query", "Expected parameters such as :name in the query, but got $1", {"fix": fix})
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Columns = Annotated[
    tuple[VariableName, ...],
    Field(strict=False, max_length=MAX_COLUMNS),
    BeforeValidator(_as_list, json_schema_input_type=VariableName | list[VariableName]),
]
Query = Annotated[
    str, AfterValidator(_query), Field(max_length=MAX_SQL, description="SELECT …; :name for values of params")
]


class DatabaseTrigger(Trigger):
    """``watermark`` names one column or several of the query, whose values together are unique and only grow.

    ``start``: with ``now`` the rows that are there at the first poll start nothing, with ``beginning`` all do.
    ``limit`` is how many rows a poll reads; where there are more the next one follows at once.  ``database`` is a name
    of WEIR_DATABASES, the main one by default.  ``key`` is a path in the row.  ``params`` are the values of ``:name``.
    A new version of the process goes on behind the watermark of the one before, as long as its columns are the same.
    """

    type: Literal["database"]
    query: Query
    watermark: Columns
    every: Duration
    params: Annotated[dict[VariableName, JsonValue], Field(max_length=50)] = Field(default_factory=dict)
    start: Literal["now", "beginning"] = "now"
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 100
    database: DatabaseName | None = None
    key: PathText | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.every < MIN_EVERY_MS:
            raise _wrong("every", f"Expected an interval of at least 1s, but got {self.every} ms")
        if not self.watermark:
            raise _wrong("watermark", "Expected at least one column, but the list is empty")
        try:
            parse_statement(self.query, VERBS).arguments(self.params)
        except ValueError as error:
            raise _wrong("params", str(error)) from None
        return self

    def sources(self) -> frozenset[str] | None:
        return None


def _wrong(field: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("database", "{message}", {"field": field, "message": message})


@dataclass(frozen=True, slots=True)
class CompiledPoll:
    """``index`` is the trigger's place in the definition; ``spec`` is the same while the watermark means the same."""

    index: int
    query: str
    columns: tuple[str, ...]
    params: dict[str, Any]
    every: Every
    start_now: bool
    limit: int
    database: str | None
    key: Path | None
    spec: str

    def request(self, watermark: list[str] | None, *, begun: bool, limit: int) -> dict[str, Any]:
        """The config of the action ``database_query`` for the rows behind ``watermark``; before it has ``begun`` with
        ``start: now``, for the newest row's.
        """
        columns = [f'polled."{name}"' for name in self.columns]
        marks = [f"{column}::text AS {MARK}{number}" for number, column in enumerate(columns, start=1)]
        newest = self.start_now and not begun
        where = [f"{column} IS NOT NULL" for column in columns]
        params = dict(self.params)
        if watermark is not None:
            names = [f"{MARK}{number}" for number in range(1, len(columns) + 1)]
            where.append(f"({', '.join(columns)}) > ({', '.join(f':{name}' for name in names)})")
            params |= dict(zip(names, watermark, strict=True))
        selected = ", ".join(marks if newest else ["polled.*", *marks])
        order = ", ".join(f"{column} DESC" if newest else column for column in columns)
        # Nothing but the definition's own query, and names of columns that its model has let in.
        query = f"SELECT {selected} FROM (\n{self.query}\n) AS polled WHERE {' AND '.join(where)} ORDER BY {order}"  # noqa: S608
        config: dict[str, Any] = {"query": query, "params": params, "limit": 1 if newest else limit}
        return config if self.database is None else {**config, "database": self.database}

    def marks(self, row: dict[str, Any]) -> list[str]:
        """The watermark of a row, taken out of it.  Raises ``KeyError``, ``TypeError`` for what is no such row."""
        return [str(row.pop(f"{MARK}{number}")) for number in range(1, len(self.columns) + 1)]


def compile_poll(index: int, model: DatabaseTrigger) -> CompiledPoll:
    """The runtime form."""
    spec = f"{model.database}/{','.join(model.watermark)}"
    return CompiledPoll(
        index=index,
        query=without_end(model.query).strip(),
        columns=model.watermark,
        params=dict(model.params),
        every=Every(model.every),
        start_now=model.start == "now",
        limit=model.limit,
        database=model.database,
        key=None if model.key is None else compile_path(model.key),
        spec=hashlib.blake2b(spec.encode(), digest_size=8).hexdigest(),
    )
