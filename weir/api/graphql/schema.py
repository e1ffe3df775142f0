"""The schema, and answering a request by it."""

import asyncio
from typing import Any

import strawberry
from fastapi import Request
from graphql import GraphQLError
from strawberry.extensions import ParserCache
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from weir.api.auth import Principal
from weir.api.database import QUERY_S
from weir.api.graphql.asking import asking
from weir.api.graphql.limits import Limits
from weir.api.graphql.query import Query
from weir.api.problems import ProblemError, document


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Not logged: they are answered, or raised."""


SCHEMA = _Schema(Query, extensions=[Limits, ParserCache])


async def run(
    request: Request, who: Principal, query: str, variables: dict[str, Any] | None, operation: str | None
) -> dict[str, Any]:
    """``data`` and ``errors``, as GraphQL's answers have them; without ``data`` nothing was executed.

    Raises ``ProblemError`` where the database does not answer.
    """
    try:
        async with asking(request, who) as context, asyncio.timeout(QUERY_S):
            found = await SCHEMA.execute(
                query,
                variable_values=variables,
                context_value=context,
                operation_name=operation,
                allowed_operation_types={OperationType.QUERY},
            )
    except CannotGetOperationTypeError as error:
        return {"errors": [{"message": error.as_http_error_reason()}]}
    except InvalidOperationTypeError:
        return {"errors": [{"message": "Expected a query: what changes something has a route of its own"}]}
    answer: dict[str, Any] = {} if isinstance(found, PreExecutionError) else {"data": found.data}
    if found.errors:
        answer["errors"] = [_told(error) for error in found.errors]
    return answer


def _told(error: GraphQLError) -> dict[str, Any]:
    """A problem's document is under ``extensions``.  Raises what is a mistake of ours."""
    cause = error.original_error
    told: dict[str, Any] = dict(error.formatted)
    if isinstance(cause, ProblemError):
        return told | {"extensions": document(cause)}
    if isinstance(cause, RecursionError):
        return told | {"message": "Expected a question that is less deep"}
    if cause is not None and not isinstance(cause, GraphQLError):
        raise cause
    return told
