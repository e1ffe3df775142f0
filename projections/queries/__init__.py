"""Questions to the database, one file each.

A question is an async function: an asyncpg connection and what is asked in, structs out (``msgspec.json.encode`` takes
them as they are).  Nothing here knows of topics, and nothing here writes.
"""

from projections.queries.api_keys import ApiKey, api_key, api_keys
from projections.queries.audit import AuditFilter, AuditItem, AuditPlace, audit
from projections.queries.counts import Counts, InstanceCount, counts
from projections.queries.definition import Definition, definition
from projections.queries.definitions import DefinitionSummary, definitions
from projections.queries.executions import Execution, ExecutionWithSteps, execution, executions
from projections.queries.failure_reasons import FailureReason, failure_reasons
from projections.queries.history import HistoryEvent, history
from projections.queries.incidents import Incident, incidents
from projections.queries.instance import Instance, instance
from projections.queries.instance_count import Total, instance_count
from projections.queries.instances import InstanceSummary, instances
from projections.queries.standing import Standing, standing
from projections.queries.station_processes import (
    StationDefinition,
    StationProcess,
    station_process,
    station_processes,
)
from projections.queries.statistics import Statistics, statistics
from projections.queries.task import Task, task
from projections.queries.tasks import TaskSummary, tasks
from projections.queries.templates import SavedTemplate, saved_template, saved_templates, template_uses
from projections.queries.trends import Trend, trends
from projections.queries.waiting import waiting

__all__ = [
    "ApiKey",
    "AuditFilter",
    "AuditItem",
    "AuditPlace",
    "Counts",
    "Definition",
    "DefinitionSummary",
    "Execution",
    "ExecutionWithSteps",
    "FailureReason",
    "HistoryEvent",
    "Incident",
    "Instance",
    "InstanceCount",
    "InstanceSummary",
    "SavedTemplate",
    "Standing",
    "StationDefinition",
    "StationProcess",
    "Statistics",
    "Task",
    "TaskSummary",
    "Total",
    "Trend",
    "api_key",
    "api_keys",
    "audit",
    "counts",
    "definition",
    "definitions",
    "execution",
    "executions",
    "failure_reasons",
    "history",
    "incidents",
    "instance",
    "instance_count",
    "instances",
    "saved_template",
    "saved_templates",
    "standing",
    "station_process",
    "station_processes",
    "statistics",
    "task",
    "tasks",
    "template_uses",
    "trends",
    "waiting",
]
