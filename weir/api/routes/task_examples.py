"""Examples of tasks, for OpenAPI."""

from typing import Any

from weir.api.routes.examples import AT, INSTANCE_ID

SUMMARY: dict[str, Any] = {
    "id": f"{INSTANCE_ID}:4",
    "instance_id": INSTANCE_ID,
    "activity_id": "replace",
    "definition_id": "pump-care",
    "definition_version": 2,
    "title": "Replace pump pump-3?",
    "status": "created",
    "assignee": None,
    "owner": None,
    "candidate_users": ["anna"],
    "candidate_groups": ["technicians"],
    "queue": None,
    "priority": 50,
    "due": "2026-09-21T22:13:20Z",
    "approvers": [],
    "votes": {},
    "outcome": None,
    "escalation_level": 0,
    "created_at": AT,
    "claimed_at": None,
    "completed_at": None,
    "completed_by": None,
}
TASK: dict[str, Any] = {
    **SUMMARY,
    "description": None,
    "outcomes": ["replace", "wait"],
    "form": {"properties": {"cost": {"type": "number", "maximum": 500}}, "required": ["cost"]},
    "answers": None,
}
