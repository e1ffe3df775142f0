"""``/statistics``: of all processes, of the database's room, and of what takes its time."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import SlowQuery, Standing, Statistics, Storage
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.problems import ProblemError
from weir.api.quick import answer

MAX_LIMIT = 200
router = APIRouter(prefix="/statistics")


class WorkflowStatistics(Statistics, frozen=True, kw_only=True):
    """Of all instances that the database knows."""

    total_workflows: int
    running_workflows: int
    open_tasks: int
    open_incidents: int


class SlowQueries(msgspec.Struct):
    """The statements that take most of the server's time first."""

    slow_queries: list[SlowQuery]


WORKFLOWS: dict[str, Any] = {
    "execution_count": 1200,
    "running": 17,
    "suspended": 0,
    "completed": 1170,
    "failed": 9,
    "cancelled": 3,
    "timeout": 1,
    "success_rate": 0.992,
    "avg_execution_time": 812.5,
    "p50_ms": 240,
    "p95_ms": 3100,
    "p99_ms": 9800,
    "within_sla": None,
    "total_workflows": 1200,
    "running_workflows": 17,
    "open_tasks": 4,
    "open_incidents": 1,
}
STORAGE: dict[str, Any] = {
    "total_size_bytes": 73_400_320,
    "tables": [
        {
            "name": "process_history",
            "chunks": 3,
            "rows_estimate": 90_210,
            "total_bytes": 41_943_040,
            "index_bytes": 12_582_912,
        }
    ],
}
SLOW: dict[str, Any] = {
    "slow_queries": [
        {
            "query": "SELECT * FROM process_history WHERE instance_id = $1",
            "calls": 310,
            "rows": 2790,
            "avg_duration_ms": 0.8,
            "total_duration_ms": 248.0,
        }
    ]
}


@router.get(
    "/workflows",
    response_model=None,
    responses=shows(WorkflowStatistics, WORKFLOWS),
    dependencies=[needs("processes:view")],
)
async def workflows(request: Request) -> Response:
    """How many instances there are, how they ended and what they took; what waits for people."""
    async with reading(request) as connection:
        found, standing = await queries.statistics(connection), await queries.standing(connection)
    return answer(
        WorkflowStatistics(
            **msgspec.structs.asdict(found),
            total_workflows=found.execution_count,
            running_workflows=found.running,
            **_open(standing),
        )
    )


@router.get("/storage", response_model=None, responses=shows(Storage, STORAGE), dependencies=[needs("admin")])
async def storage(request: Request) -> Response:
    """What the database's tables take."""
    async with reading(request) as connection:
        return answer(await queries.storage(connection))


@router.get("/queries", response_model=None, responses=shows(SlowQueries, SLOW), dependencies=[needs("admin")])
async def slow_queries(request: Request, limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20) -> Response:
    """Which statements take the server's time."""
    async with reading(request) as connection:
        found = await queries.slow_queries(connection, limit)
    if found is None:
        detail = "Expected the database server to count its statements (pg_stat_statements), but it does not"
        fix = (
            "Add pg_stat_statements to shared_preload_libraries, start the server again, and let a superuser run "
            "CREATE EXTENSION pg_stat_statements in this database."
        )
        raise ProblemError(409, "no_statements", detail, fix)
    return answer(SlowQueries(found))


def _open(standing: Standing) -> dict[str, int]:
    return {"open_tasks": sum(standing.tasks.values()), "open_incidents": sum(standing.incidents.values())}
