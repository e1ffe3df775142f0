"""The types that there are, and what each function and operator takes and yields."""

from typing import Literal

Type = Literal["number", "string", "boolean", "null", "object", "array", "time", "duration"]

WORDS: dict[Type, str] = {
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
    "time": "a time",
    "duration": "a duration",
}

_Takes = tuple[frozenset[Type], ...]
_ANY = frozenset(WORDS)
_TRUTH: _Takes = (frozenset({"boolean"}),)
_NUMBER: _Takes = (frozenset({"number"}),)
_TEXT: _Takes = (frozenset({"string"}),)
_TIME: _Takes = (frozenset({"time"}),)
_CLOCK: _Takes = (frozenset({"time", "duration"}),)

FUNCTION_TYPES: dict[str, tuple[_Takes, Type]] = {
    "size": ((frozenset({"string", "array", "object"}),), "number"),
    "string": ((_ANY - {"null", "object", "array"},), "string"),
    "double": ((frozenset({"number", "string"}),), "number"),
    "int": ((frozenset({"number", "string"}),), "number"),
    **dict.fromkeys(("abs", "floor", "ceil", "round"), (_NUMBER, "number")),
    **dict.fromkeys(("min", "max"), (_NUMBER * 2, "number")),
    **dict.fromkeys(("contains", "startsWith", "endsWith", "matches"), (_TEXT * 2, "boolean")),
    "timestamp": ((frozenset({"string", "time"}),), "time"),
    "duration": ((frozenset({"string", "duration"}),), "duration"),
    **dict.fromkeys(
        ("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"), (_TIME, "number")
    ),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds", "getMilliseconds"), (_CLOCK, "number")),
}
"""What each function takes, and its result."""

LOOP_TYPES: dict[str, Type] = {
    "all": "boolean",
    "exists": "boolean",
    "exists_one": "boolean",
    "map": "array",
    "filter": "array",
}

PARTS: dict[str, tuple[_Takes, Type]] = {
    **FUNCTION_TYPES,
    **{name: ((frozenset[Type]({"array", "object"}),), result) for name, result in LOOP_TYPES.items()},
    **dict.fromkeys(("&&", "||"), (_TRUTH * 2, "boolean")),
    "!x": (_TRUTH, "boolean"),
    "in": ((_ANY, frozenset({"array", "object"})), "boolean"),
    "has": ((), "boolean"),
    "list": ((), "array"),
    "{}": ((), "object"),
}

SUMS: dict[str, dict[tuple[Type, Type], Type]] = {
    "+": {
        ("number", "number"): "number",
        ("string", "string"): "string",
        ("array", "array"): "array",
        ("time", "duration"): "time",
        ("duration", "time"): "time",
        ("duration", "duration"): "duration",
    },
    "-": {
        ("number", "number"): "number",
        ("time", "time"): "duration",
        ("time", "duration"): "time",
        ("duration", "duration"): "duration",
    },
    "*": {("number", "number"): "number"},
    "/": {("number", "number"): "number"},
    "%": {("number", "number"): "number"},
}
ORDERED = _ANY - {"null", "object", "array"}
EQUALITIES = frozenset({"==", "!="})
