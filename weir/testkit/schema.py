"""The JSON Schema of ``*.test.yaml``, for editors: ``# yaml-language-server: $schema=./test-schema.json``.

Made from the models of ``case`` and the commands of ``steps``; ``poe schema`` writes the file that the tests name.
"""

from typing import Any

import msgspec

from streams.core.commands import StartProcess
from streams.core.schema import text_of, titled
from weir.testkit.case import Suite, When
from weir.testkit.steps import COMMANDS, fields_of, names_of

_Schema = dict[str, Any]


def suite_schema() -> _Schema:
    """As a JSON value."""
    schema = Suite.model_json_schema()
    parts: _Schema = schema["$defs"]
    when = When.model_json_schema()["properties"]
    commands = {kind: _command(kind) for kind in COMMANDS}
    parts["Step"] = {
        "type": "object",
        "properties": {**when, **commands},
        "oneOf": [{"required": [kind]} for kind in commands],
        "additionalProperties": False,
    }
    case = parts["Case"]
    case["anyOf"] = [{"required": ["expect"]}, {"required": ["effects"]}]
    parts["Answer"]["oneOf"] = [{"required": ["output"]}, {"required": ["error"]}]
    for name in ("start", "interval"):
        case["properties"][name].pop("default")  # in milliseconds, as nobody writes them
    for part, name in (
        ("Input", "series"),
        ("Expected", "variables"),
    ):  # pydantic refuses other names, and says nothing
        parts[part]["properties"][name]["additionalProperties"] = False
    does = "Readings, commands and stubs in; what must become of the processes, and what they must do."
    return titled(schema, "Weir tests of processes", does)


def suite_schema_text() -> str:
    """What ``definitions/test-schema.json`` holds."""
    return text_of(suite_schema())


def _command(kind: str) -> _Schema:
    """Of a command: its fields, names in the place of ids."""
    command = COMMANDS[kind]
    _, components = msgspec.json.schema_components([command])
    model: _Schema = components[command.__name__]
    known, names = fields_of(kind), names_of(kind)
    properties = {name: {"type": "string"} if name in names else model["properties"][name] for name in known}
    needed = [one for one in model["required"] if one in known and one not in names]
    if command is StartProcess:
        needed.remove("definition_id")  # the only definition
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
