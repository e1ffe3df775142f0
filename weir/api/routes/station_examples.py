"""Examples of answers, for OpenAPI: of one process of a station."""

from typing import Any

from weir.api.routes.examples import AT, INSTANCE_ID

PROCESS_ROW: dict[str, Any] = {
    "id": "door-watch",
    "version": 1,
    "name": "Door watch",
    "description": "Tells the night shift who comes in.",
    "template_id": None,
    "created_by": "anna",
    "created_at": AT,
    "updated_at": AT,
    "is_active": True,
    "execution_count": 12,
    "last_executed": AT,
    "success_rate": 0.917,
    "avg_execution_time": 340.5,
    "labels": {"line": "2"},
}
PROCESS_LIST: dict[str, Any] = {"processes": [PROCESS_ROW], "total": 1}
_PART = {"process_id": "door-watch", "created_at": AT, "conditions": None}
PROCESS: dict[str, Any] = {
    **PROCESS_ROW,
    "triggers": [
        {
            "id": "door-watch/trigger/1",
            **_PART,
            "trigger_type": "zone_entry",
            "trigger_config": {"zone_id": ["door"]},
            "priority": 0,
            "is_active": True,
        }
    ],
    "actions": [
        {
            "id": "action_1",
            **_PART,
            "action_type": "create_alert",
            "action_config": {"title": "${trigger.tags.user_id} came in"},
            "action_order": 0,
            "timeout_seconds": 30,
            "retry_count": 2,
        }
    ],
    "next_execution": None,
}
EXECUTION_ROW: dict[str, Any] = {
    "id": INSTANCE_ID,
    "process_id": "door-watch",
    "process_version": 1,
    "triggered_by": "ann",
    "trigger_event": {"type": "zone_entry", "tags": {"user_id": "ann", "zone_id": "door"}},
    "started_at": AT,
    "completed_at": "2026-09-21T14:13:20.340Z",
    "status": "completed",
    "error_message": None,
    "execution_time_ms": 340,
    "steps_completed": 3,
    "total_steps": 3,
    "business_key": None,
}
EXECUTION_LIST: dict[str, Any] = {"executions": [EXECUTION_ROW], "total": 1}
EXECUTION: dict[str, Any] = {
    **EXECUTION_ROW,
    "steps": [
        {
            "id": f"{INSTANCE_ID}:4",
            "action_id": "action_1",
            "action_type": "service",
            "started_at": AT,
            "completed_at": "2026-09-21T14:13:20.330Z",
            "status": "completed",
            "result": {"alert_id": "a1"},
            "error_message": None,
            "execution_time_ms": 330,
            "retry_count": 0,
        }
    ],
}
_LINE = {
    "seq": 1,
    "timestamp": AT,
    "level": "info",
    "event": "started",
    "action_id": None,
    "message": "started",
    "data": {"key": None, "variables": {"trigger": {}}},
}
LOGS: dict[str, Any] = {"logs": [_LINE], "next_after": None}
FOUND_LINES: dict[str, Any] = {
    "logs": [{**_LINE, "execution_id": INSTANCE_ID, "process_id": "door-watch"}],
    "next_cursor": None,
}
_STATISTICS: dict[str, Any] = {
    "execution_count": 12,
    "running": 0,
    "suspended": 0,
    "completed": 11,
    "failed": 1,
    "cancelled": 0,
    "timeout": 0,
    "success_rate": 0.917,
    "avg_execution_time": 340.5,
    "p50_ms": 320,
    "p95_ms": 480,
    "p99_ms": 510,
    "within_sla": 0.917,
}
_TRENDS = [
    {
        "time": "2026-09-21T14:00:00Z",
        "started": 12,
        "completed": 11,
        "failed": 1,
        "avg_execution_time": 340.5,
        "p50_ms": 320,
        "p95_ms": 480,
    }
]
OVERVIEW: dict[str, Any] = {
    **_STATISTICS,
    "total_processes": 3,
    "active_processes": 2,
    "total_executions": 12,
    "processes": [{**_STATISTICS, "process_id": "door-watch"}],
    "trends": _TRENDS,
}
TRIGGERS: dict[str, Any] = {
    "total": 12,
    "triggers": [
        {"trigger_type": "zone_entry", "count": 11, "last_at": AT},
        {"trigger_type": "manual", "count": 1, "last_at": AT},
    ],
    "trends": [
        {"time": "2026-09-21T14:00:00Z", "trigger_type": "manual", "count": 1},
        {"time": "2026-09-21T14:00:00Z", "trigger_type": "zone_entry", "count": 11},
    ],
}
ANALYTICS: dict[str, Any] = {
    **_STATISTICS,
    "process_id": "door-watch",
    "failure_reasons": [
        {
            "error_type": "mqtt",
            "activity_id": "action_1",
            "count": 1,
            "last_error": "mqtt: no broker",
            "last_at": AT,
        }
    ],
    "activities": [
        {
            "activity_id": "action_1",
            "completed": 11,
            "failed": 1,
            "cancelled": 0,
            "skipped": 0,
            "retries": 2,
            "failure_rate": 0.083,
            "avg_ms": 338.2,
            "p50_ms": 320,
            "p95_ms": 480,
            "p99_ms": 510,
            "errors": [{"error_type": "mqtt", "count": 1}],
        }
    ],
    "tasks": [
        {
            "activity_id": "look",
            "count": 4,
            "open": 1,
            "completed": 3,
            "cancelled": 0,
            "late": 1,
            "overdue": 0,
            "on_time_rate": 0.667,
            "claim_avg_ms": 61_000.0,
            "claim_p50_ms": 40_000,
            "claim_p95_ms": 120_000,
            "work_avg_ms": 900_000.0,
            "work_p50_ms": 840_000,
            "work_p95_ms": 1_500_000,
        }
    ],
    "trends": _TRENDS,
}
