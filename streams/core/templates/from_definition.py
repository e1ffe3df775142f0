"""A template of a definition: what it says, with its id, its name and its variables' values as parameters."""

from collections.abc import Mapping
from typing import Any

from streams.core.templates.template import KIND
from streams.core.yaml_text import yaml_text

ID, NAME = "id", "name"
TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "number"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
"""The types of parameters by those of JSON values; the first that fits."""


def template_text(
    definition: Mapping[str, Any],
    *,
    template_id: str,
    name: str | None = None,
    description: str | None = None,
    category: str | None = None,
) -> str:
    """The YAML of a template that, filled with its defaults and an id, is ``definition``: JSON, in canonical form.

    Each variable with a ``value`` becomes a parameter of the variable's name, with that value as its default.
    """
    old_name = definition.get(NAME) or definition["id"]
    parameters: dict[str, Any] = {
        ID: {"description": "The id of the process", "example": definition["id"]},
        NAME: {"description": "The name of the process", "default": old_name},
    }
    variables = []
    for variable in definition.get("variables", ()):
        value = variable.get("value")
        if value is None or variable["name"] in parameters:
            variables.append(variable)
            continue
        kind = next(name for type_, name in TYPES if isinstance(value, type_))
        parameters[variable["name"]] = {"type": kind, "default": value}
        variables.append({**variable, "value": f"{{{{ {variable['name']} }}}}"})
    filled = {**definition, ID: f"{{{{ {ID} }}}}", NAME: f"{{{{ {NAME} }}}}", "version": 1}
    if variables:
        filled["variables"] = variables
    told = {"name": name, "description": description, "category": category}
    head = {"kind": KIND, "id": template_id, **{field: text for field, text in told.items() if text is not None}}
    return yaml_text({**head, "parameters": parameters, "definition": filled})
