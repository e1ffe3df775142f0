"""Questions to the database, one file each.

A question is an async function: an asyncpg connection and what is asked in, structs out (``msgspec.json.encode`` takes
them as they are).  Nothing here knows of topics, and nothing here writes.
"""

from projections.queries.activities import ActivityStatistics, activities
from projections.queries.analytics import Overview, ProcessAnalytics, overview, process_analytics
from projections.queries.api_keys import ApiKey, api_key, api_keys
from projections.queries.audit import AuditFilter, AuditItem, AuditPlace, audit
from projections.queries.counts import Counts, InstanceCount, counts
from projections.queries.definition import Definition, definition, definitions_of
from projections.queries.definitions import DefinitionSummary, definitions
from projections.queries.executions import Execution, ExecutionWithSteps, execution, executions
from projections.queries.failure_reasons import FailureReason, failure_reasons
from projections.queries.history import HistoryEvent, history
from projections.queries.incidents import Incident, IncidentPlace, incidents
from projections.queries.instance import Instance, InstanceNow, instance
from projections.queries.instance_count import Total, instance_count
from projections.queries.instances import InstanceSummary, instances
from projections.queries.logs import LogFilter, LoggedEvent, LogPlace, logs
from projections.queries.nested import histories_of, incidents_of, instances_of, tasks_of
from projections.queries.retention import Extent, extents, removed_before
from projections.queries.standing import Standing, standing
from projections.queries.station import (
    StationBot,
    StationGroup,
    StationUser,
    StationZone,
    station_bot,
    station_bots,
    station_group,
    station_groups,
    station_user,
    station_users,
    station_zone,
    station_zones,
)
from projections.queries.station_alerts import AlertPlace, StationAlert, station_alert, station_alerts
from projections.queries.station_messages import MessagePlace, StationMessage, station_messages
from projections.queries.station_positions import StationPosition, station_positions
from projections.queries.station_processes import (
    StationDefinition,
    StationProcess,
    station_process,
    station_processes,
)
from projections.queries.statistics import ProcessStatistics, Statistics, statistics, statistics_of_each
from projections.queries.storage import SlowQuery, Storage, TableSize, slow_queries, storage
from projections.queries.subscriptions import (
    WaitingInstance,
    WaitingTrigger,
    WaitPlace,
    waiting_instances,
    waiting_triggers,
)
from projections.queries.task import Task, task, tasks_by_id
from projections.queries.task_times import TaskTimes, task_times
from projections.queries.tasks import TaskFilter, TaskPlace, TaskSummary, tasks
from projections.queries.templates import SavedTemplate, saved_template, saved_templates, template_uses
from projections.queries.trends import Trend, trends
from projections.queries.trigger_frequencies import (
    TriggerCount,
    TriggerFrequencies,
    TriggerTrend,
    trigger_frequencies,
)
from projections.queries.upcoming import upcoming
from projections.queries.waiting import waiting

__all__ = [
    "ActivityStatistics",
    "AlertPlace",
    "ApiKey",
    "AuditFilter",
    "AuditItem",
    "AuditPlace",
    "Counts",
    "Definition",
    "DefinitionSummary",
    "Execution",
    "ExecutionWithSteps",
    "Extent",
    "FailureReason",
    "HistoryEvent",
    "Incident",
    "IncidentPlace",
    "Instance",
    "InstanceCount",
    "InstanceNow",
    "InstanceSummary",
    "LogFilter",
    "LogPlace",
    "LoggedEvent",
    "MessagePlace",
    "Overview",
    "ProcessAnalytics",
    "ProcessStatistics",
    "SavedTemplate",
    "SlowQuery",
    "Standing",
    "StationAlert",
    "StationBot",
    "StationDefinition",
    "StationGroup",
    "StationMessage",
    "StationPosition",
    "StationProcess",
    "StationUser",
    "StationZone",
    "Statistics",
    "Storage",
    "TableSize",
    "Task",
    "TaskFilter",
    "TaskPlace",
    "TaskSummary",
    "TaskTimes",
    "Total",
    "Trend",
    "TriggerCount",
    "TriggerFrequencies",
    "TriggerTrend",
    "WaitPlace",
    "WaitingInstance",
    "WaitingTrigger",
    "activities",
    "api_key",
    "api_keys",
    "audit",
    "counts",
    "definition",
    "definitions",
    "definitions_of",
    "execution",
    "executions",
    "extents",
    "failure_reasons",
    "histories_of",
    "history",
    "incidents",
    "incidents_of",
    "instance",
    "instance_count",
    "instances",
    "instances_of",
    "logs",
    "overview",
    "process_analytics",
    "removed_before",
    "saved_template",
    "saved_templates",
    "slow_queries",
    "standing",
    "station_alert",
    "station_alerts",
    "station_bot",
    "station_bots",
    "station_group",
    "station_groups",
    "station_messages",
    "station_positions",
    "station_process",
    "station_processes",
    "station_user",
    "station_users",
    "station_zone",
    "station_zones",
    "statistics",
    "statistics_of_each",
    "storage",
    "task",
    "task_times",
    "tasks",
    "tasks_by_id",
    "tasks_of",
    "template_uses",
    "trends",
    "trigger_frequencies",
    "upcoming",
    "waiting",
    "waiting_instances",
    "waiting_triggers",
]
