"""OpenAPI of answers that are structs: which route shows what, with an example.

FastAPI writes schemas of pydantic's models only.  ``shows`` names a struct in a route's ``responses``; ``describe``
puts the schemas of all that were named into the document.
"""

from typing import Any

import msgspec

_REF = "#/components/schemas/{name}"
_shown: dict[str, type] = {}

Responses = dict[int | str, dict[str, Any]]


def shows(struct: Any, example: Any, status: int = 200, description: str = "Success") -> Responses:
    """The ``responses`` of a route that answers ``struct``, or a list of them."""
    (schema,), components = msgspec.json.schema_components([struct], ref_template=_REF)
    _shown.update(dict.fromkeys(components, struct))
    return {
        status: {
            "description": description,
            "content": {"application/json": {"schema": schema, "example": msgspec.to_builtins(example)}},
        }
    }


def components() -> dict[str, Any]:
    """The schemas of all structs that were shown, by name."""
    _, found = msgspec.json.schema_components(list(dict.fromkeys(_shown.values())), ref_template=_REF)
    return found
