"""The JSON Schema of definitions, for editors: ``# yaml-language-server: $schema=./schema.json``.

Made from the models, and then widened to what people may write: ``trigger`` or ``triggers``, the other names of a type,
an action's fields beside ``action`` as well as under ``config``, and what may be left out.

``poe schema`` writes the file that the definitions name.
"""

import json
from typing import Any

from streams.core.actions import ALIASES as ACTION_ALIASES
from streams.core.actions import SHORT
from streams.core.activities import KINDS
from streams.core.activities.service import SERVICES
from streams.core.definition import ProcessDefinition
from streams.core.normalise import HEAD_FIELDS
from streams.core.triggers import ALIASES, TRIGGERS

_Schema = dict[str, Any]
ACTIVITY = "Activity"
"""The name of what any activity may be."""


def definition_schema() -> _Schema:
    """As a JSON value."""
    schema = ProcessDefinition.model_json_schema()
    parts: dict[str, _Schema] = schema["$defs"]
    for name, trigger in TRIGGERS.items():
        _widen_trigger(parts[trigger.__name__], name)
        if "config" in trigger.model_fields:
            _widen_config(parts[trigger.__name__], parts)
    for name, service in SERVICES.items():
        if others := [alias for alias, meant in ACTION_ALIASES.items() if meant == name]:
            parts[service.__name__]["properties"]["action"] = {"enum": [name, *others]}
        _widen_config(parts[service.__name__], parts)
        if name in SHORT:
            _widen_type(parts[service.__name__], name)
    for kind in KINDS.values():
        for name in (name for name, several in kind.model.body_fields.items() if several):
            _widen_bodies(parts[kind.model.__name__]["properties"], name)
    properties = schema["properties"]
    parts[ACTIVITY] = properties["activities"]["items"]
    properties["activities"]["minItems"] = 1
    properties["activities"]["items"] = {"$ref": f"#/$defs/{ACTIVITY}"}
    properties["trigger"] = properties["triggers"]["items"]
    for name in (*HEAD_FIELDS, "variables"):
        if name != "id":  # as YAML has it where nothing follows the colon
            properties[name] = {"anyOf": [properties[name], {"type": "null"}]}
    schema["required"] = ["id", "activities"]
    schema["oneOf"] = [{"required": ["trigger"]}, {"required": ["triggers"]}]
    return titled(schema, "Weir process definition", "A process: what starts it, what it knows, what it does.")


def schema_text() -> str:
    """What ``definitions/schema.json`` holds."""
    return text_of(definition_schema())


def titled(schema: _Schema, title: str, description: str) -> _Schema:
    """The whole document of a model's schema, without what pydantic writes for itself."""
    tidied: _Schema = _tidy(schema)
    draft = "http://json-schema.org/draft-07/schema#"
    return {"$schema": draft, **tidied, "title": title, "description": description}


def text_of(schema: _Schema) -> str:
    """As its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _widen_trigger(trigger: _Schema, name: str) -> None:
    names = [name, *(alias for alias, meant in ALIASES.items() if meant == name)]
    trigger["properties"]["type"] = {"enum": names}
    if "event" in names:
        trigger["properties"]["source"] = {"const": name, "description": f"With 'type: event': {name}"}


def _widen_config(service: _Schema, parts: dict[str, _Schema]) -> None:
    config = parts[service["properties"]["config"]["$ref"].removeprefix("#/$defs/")]
    needed = config.pop("required", [])
    service["properties"] = {**config["properties"], **service["properties"]}
    service["required"] = [name for name in service["required"] if name != "config"]
    service["allOf"] = [
        {"anyOf": [{"required": [name]}, {"properties": {"config": {"required": [name]}}, "required": ["config"]}]}
        for name in needed
    ]


def _widen_bodies(properties: _Schema, name: str) -> None:
    """Bodies without names of their own: a list of them."""
    body = {"type": "array", "items": {"$comment": "activity"}}
    properties[name] = {"anyOf": [properties[name], {"type": "array", "items": body, "minItems": 1}]}


def _widen_type(service: _Schema, name: str) -> None:
    """``type: emit`` is ``{type: service, action: emit}``."""
    service["properties"]["type"] = {"enum": ["service", name]}
    service["required"] = [one for one in service["required"] if one != "action"]
    short = {"properties": {"type": {"const": name}}}
    service["allOf"] = [*service.get("allOf", []), {"anyOf": [short, {"required": ["action"]}]}]


def _tidy(value: Any) -> Any:
    """Without what pydantic adds to a schema for other readers: titles, discriminators, the models' docstrings."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("items") == {"$comment": "activity"}:
        activity = {"$ref": f"#/$defs/{ACTIVITY}"}
        return {"anyOf": [activity, {"type": "array", "items": activity, "minItems": 1}]}
    model = value.get("type") == "object" and "properties" in value
    dropped = {"discriminator", "description"} if model else {"discriminator"}
    if isinstance(value.get("title"), str):
        dropped.add("title")
    return {name: _tidy(item) for name, item in value.items() if name not in dropped}
