"""What a table is to the projector."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from projections.feeds.base import FeedName

Place = tuple[bytes, str | None, str | None]
"""Where an activity is under way: instance, activity, token."""


@dataclass(frozen=True)
class Projection:
    """How a feed's items become a table's rows.

    ``build(items)`` is pure: the decoded items of one partition in order → rows, in whatever shape ``write``
    takes.  ``write(connection, rows)`` runs inside the batch's SQL transaction, once per batch; when PostgreSQL refuses
    a row it runs again on parts of the batch, each in a savepoint, to find that row.  Any exception rolls the
    transaction back.  ``recall(rows, under_way)``, where there is one, is told before that since when activities were
    under way before the batch, as far as this process remembers: ``write`` need not ask the database.
    """

    feed: FeedName
    build: Callable[[Sequence[Any]], Any]
    write: Callable[[asyncpg.Connection, Any], Awaitable[None]]
    recall: Callable[[Any, Mapping[Place, datetime]], None] | None = None


@dataclass(frozen=True)
class Table:
    """A table of the schema; without ``projection`` no feed writes it."""

    name: str
    kind: Literal["projected", "owned"]
    projection: Projection | None = None
