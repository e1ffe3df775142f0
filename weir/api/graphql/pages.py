"""Pages of a list, as connections (https://relay.dev/graphql/connections.htm), forward only, by the lists' cursors."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import strawberry

from weir.api import cursors

T = TypeVar("T")
MAX_FIRST = 1_000
DEFAULT_FIRST = 50


@strawberry.type
class PageInfo:
    """``endCursor`` is the ``after`` of the next page."""

    has_next_page: bool
    end_cursor: str | None
    has_previous_page: bool
    start_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    """An item with its place in the list."""

    node: T
    cursor: str


@strawberry.type(description="A page of a list: its items as `nodes`, or as `edges` with their cursors.")
class Connection(Generic[T]):
    """A page."""

    page_info: PageInfo
    nodes: list[T]
    edges: list[Edge[T]]


def page(found: Sequence[T], first: int, after: str | None, place: Callable[[T], Any]) -> Connection[T]:
    """The page of what was asked for with one more than ``first``; ``place``: of an item, as its cursor holds it."""
    nodes = list(found[:first])
    edges = [Edge(node=one, cursor=cursors.encode(place(one))) for one in nodes]
    info = PageInfo(
        has_next_page=len(found) > first,
        end_cursor=edges[-1].cursor if edges else None,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
    )
    return Connection(page_info=info, nodes=nodes, edges=edges)
