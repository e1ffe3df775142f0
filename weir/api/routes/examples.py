"""Examples of answers, for OpenAPI: of one process, told through."""

from typing import Any

INSTANCE_ID = "019c8f2a-7d40-8003-9c1e-5a0b7d2e4f61"
AT = "2026-09-21T14:13:20Z"

SUMMARY: dict[str, Any] = {
    "id": INSTANCE_ID,
    "definition_id": "temperature-control",
    "definition_version": 3,
    "status": "running",
    "status_since": AT,
    "business_key": "pump-3",
    "reference": "Pump pump-3, order 4711",
    "current_activity": "wait_for_cooling",
    "error": None,
    "steps": 4,
    "last_seq": 11,
    "started_at": AT,
    "updated_at": "2026-09-21T14:13:21.500Z",
    "completed_at": None,
}
INSTANCE: dict[str, Any] = {
    **SUMMARY,
    "steps_completed": 3,
    "variables": {"device_id": "pump-3", "temperature": 31.5},
    "trigger": {"type": "api"},
    "node_id": SUMMARY["current_activity"],
    "description": "Cools what gets too hot.",
    "next_execution": None,
}
PROCESS_PAGE: dict[str, Any] = {
    "items": [SUMMARY],
    "total": 1,
    "total_is_estimate": False,
    "next_cursor": None,
}
EVENT: dict[str, Any] = {
    "seq": 1,
    "timestamp": AT,
    "event_type": "started",
    "activity_id": None,
    "message": None,
    "data": {"key": "pump-3", "variables": {"device_id": "pump-3", "temperature": 31.5}},
    "definition_id": "temperature-control",
    "definition_version": 3,
    "cause": "3:1205",
    "token": None,
}
HISTORY_PAGE: dict[str, Any] = {"items": [EVENT], "next_after": None}
API_KEY: dict[str, Any] = {
    "id": "3f9a1c77d20b",
    "name": "dashboard",
    "user_id": None,
    "roles": ["viewer"],
    "scopes": [],
    "groups": [],
    "created_at": AT,
    "created_by": "admin",
    "expires_at": None,
    "revoked_at": None,
    "revoked_by": None,
    "last_used_at": None,
}
CREATED_KEY: dict[str, Any] = {"key": "weir_3f9a1c77d20b_…", "api_key": API_KEY}
INCIDENT: dict[str, Any] = {
    "instance_id": INSTANCE_ID,
    "seq": 9,
    "definition_id": "temperature-control",
    "definition_version": 3,
    "type": "activity",
    "stopped": "instance",
    "activity_id": "cool",
    "token": None,
    "error_type": "http_error",
    "message": "503 Service Unavailable",
    "created_at": AT,
    "resolved_at": None,
    "resolution": None,
}
