"""Examples of answers, for OpenAPI: of one template."""

from typing import Any

from weir.api.routes.examples import AT

_SUMMARY: dict[str, Any] = {
    "id": "door-watch",
    "name": "Door watch",
    "description": "Tells the night shift who comes in.",
    "category": "monitoring",
    "source": "saved",
    "usage_count": 3,
    "is_public": True,
    "created_by": "anna",
    "created_at": AT,
    "parameters": [
        {
            "name": "id",
            "type": "string",
            "required": True,
            "description": "The id of the process",
            "default": None,
            "choices": [],
            "example": "door-watch",
        }
    ],
}
TEMPLATE_LIST: dict[str, Any] = {"templates": [_SUMMARY]}
TEMPLATE: dict[str, Any] = {
    **_SUMMARY,
    "template_data": {
        "kind": "template",
        "id": "door-watch",
        "parameters": {"id": {"example": "door-watch"}},
        "definition": {
            "id": "{{ id }}",
            "trigger": {"type": "zone_entry", "config": {"zone_id": "door"}},
            "activities": [{"id": "note", "type": "service", "action": "log", "config": {"message": "somebody came"}}],
        },
    },
}
