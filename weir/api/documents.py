"""OpenAPI of answers that are structs: which route shows what, with an example.

FastAPI writes schemas of pydantic's models only.  ``shows`` names a struct in a route's ``responses``; ``describe``
puts the schemas of all that were named into the document.
"""

from typing import Any

import msgspec

_REF = "#/components/schemas/{name}"
_shown: dict[str, type] = {}
_examples: dict[bytes, Any] = {}
"""By schema: FastAPI leaves out what is null of those that it is given."""

Responses = dict[int | str, dict[str, Any]]


def shows(struct: Any, example: Any, status: int = 200, description: str = "Success") -> Responses:
    """The ``responses`` of a route that answers ``struct``, or a list of them."""
    (schema,), components = msgspec.json.schema_components([struct], ref_template=_REF)
    _shown.update(dict.fromkeys(components, struct))
    _examples[msgspec.json.encode(schema)] = msgspec.to_builtins(example)
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def components() -> dict[str, Any]:
    """The schemas of all structs that were shown, by name."""
    _, found = msgspec.json.schema_components(list(dict.fromkeys(_shown.values())), ref_template=_REF)
    return found


def example(schema: Any) -> dict[str, Any]:
    """The example of a schema that is shown, as a part of its content."""
    found = _examples.get(msgspec.json.encode(schema))
    return {} if found is None else {"example": found}
