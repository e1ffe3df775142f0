"""The functions that expressions may call, each as the CEL text it stands for.

All numbers in an expression are doubles (``syntax`` says why), so a function that yields a CEL int is wrapped, and a
place where CEL wants an int gets ``WHOLE``.  ``{0}``, ``{1}`` are the arguments; a method's receiver is ``{0}``.

``[x].map(h, …)[0]`` gives x a name, so that it is evaluated once.  ``1 / 0`` and ``[][0]`` raise.
"""

from typing import NamedTuple

WHOLE = "[{0}].map(h, double(int(h)) == h ? int(h) : [][0])[0]"
"""The CEL int of a whole double; fails for 2.5 and for what is no number."""

INDEX = "[{0}].map(h, type(h) == double ? (double(int(h)) == h ? int(h) : [][0]) : h)[0]"
"""A list's index or a map's key."""

DIVISOR = "[{0}].map(h, h == 0.0 ? double(1 / 0) : h)[0]"
"""Doubles divide by zero to infinity, and an infinite temperature passes any threshold: better an error."""

REMAINDER = f"double({WHOLE} % {WHOLE.replace('{0}', '{1}')})"

LIST = "[{0}].map(h, type(h) == list ? h : [][0])[0]"
"""A list.  The library has no order of a map's keys, and what builds a list from them would differ on each replay."""


class Function(NamedTuple):
    """``form`` is ``call`` (f(x)), ``method`` (x.f()) or ``both``; ``arguments`` counts the receiver of a method.

    ``wants`` says for error messages what the arguments must be.
    """

    form: str
    arguments: int
    code: str
    wants: str


_TIME = "a time: timestamp(text)"

FUNCTIONS: dict[str, Function] = {
    # The library counts the UTF-8 bytes of a text.
    "size": Function("both", 1, "double(size({0}))", "a text, a list or an object"),
    "string": Function("call", 1, "string({0})", "a number, a text, a time or a duration"),
    "double": Function("call", 1, "double({0})", "a number, or a text with one"),
    "int": Function("call", 1, "double(int({0}))", "a number, or a text with a whole one"),
    "abs": Function("call", 1, "[{0}].map(h, h < 0.0 ? -h : h)[0]", "a number"),
    "min": Function("call", 2, "[[{0}, {1}]].map(h, h[0] <= h[1] ? h[0] : h[1])[0]", "two numbers"),
    "max": Function("call", 2, "[[{0}, {1}]].map(h, h[0] >= h[1] ? h[0] : h[1])[0]", "two numbers"),
    "floor": Function(
        "call", 1, "[{0} + 0.0].map(h, double(int(h)) > h ? double(int(h)) - 1.0 : double(int(h)))[0]", "a number"
    ),
    "ceil": Function(
        "call", 1, "[{0} + 0.0].map(h, double(int(h)) < h ? double(int(h)) + 1.0 : double(int(h)))[0]", "a number"
    ),
    "round": Function(
        "call", 1, "[{0} + 0.0].map(h, h < 0.0 ? double(int(h - 0.5)) : double(int(h + 0.5)))[0]", "a number"
    ),
    "contains": Function("method", 2, "{0}.contains({1})", "two texts"),
    "startsWith": Function("method", 2, "{0}.startsWith({1})", "two texts"),
    "endsWith": Function("method", 2, "{0}.endsWith({1})", "two texts"),
    "matches": Function("both", 2, "{0}.matches({1})", "a text and a regular expression (RE2)"),
    "timestamp": Function("call", 1, "timestamp({0})", "a text with an RFC 3339 time"),
    "duration": Function("call", 1, "duration({0})", "a text such as '1h30m'"),
    "getFullYear": Function("method", 1, "double({0}.getFullYear())", _TIME),
    "getMonth": Function("method", 1, "double({0}.getMonth())", _TIME),
    "getDate": Function("method", 1, "double({0}.getDate())", _TIME),
    "getDayOfMonth": Function("method", 1, "double({0}.getDayOfMonth())", _TIME),
    "getDayOfWeek": Function("method", 1, "double({0}.getDayOfWeek())", _TIME),
    "getDayOfYear": Function("method", 1, "double({0}.getDayOfYear())", _TIME),
    "getHours": Function("method", 1, "double({0}.getHours())", f"{_TIME} or a duration"),
    "getMinutes": Function("method", 1, "double({0}.getMinutes())", f"{_TIME} or a duration"),
    "getSeconds": Function("method", 1, "double({0}.getSeconds())", f"{_TIME} or a duration"),
    "getMilliseconds": Function("method", 1, "double({0}.getMilliseconds())", f"{_TIME} or a duration"),
}

LOOPS: dict[str, bool] = {"all": False, "exists": False, "exists_one": False, "map": True, "filter": True}
"""CEL's macros over a list: ``list.exists(x, x > 5)``.  The flag: does it build a list?"""

WANTS = {
    "?": "true or false before '?'",
    "||": "true or false on both sides of '||'",
    "&&": "true or false on both sides of '&&'",
    "<": "two numbers or two texts",
    "<=": "two numbers or two texts",
    ">": "two numbers or two texts",
    ">=": "two numbers or two texts",
    "==": "two values",
    "!=": "two values",
    "in": "a list, or a text and an object",
    "+": "two numbers, two texts or two lists",
    "-": "two numbers or two times",
    "*": "two numbers",
    "/": "two numbers, the second other than 0",
    "%": "two whole numbers, the second other than 0",
    "!x": "true or false",
    "-x": "a number",
    "[]": "a list with that element or an object with that key",
}
"""What the operators want, for error messages."""
