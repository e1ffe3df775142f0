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


class Function(NamedTuple):
    """``arguments`` counts the receiver of a method; ``form`` is ``call`` (f(x)), ``method`` (x.f()) or ``both``."""

    form: str
    arguments: int
    code: str


def _part_of_time(name: str) -> Function:
    return Function("method", 1, f"double({{0}}.{name}())")


FUNCTIONS: dict[str, Function] = {
    "size": Function("both", 1, "double(size({0}))"),
    "string": Function("call", 1, "string({0})"),
    "double": Function("call", 1, "double({0})"),
    "int": Function("call", 1, "double(int({0}))"),
    "abs": Function("call", 1, "[{0}].map(h, h < 0.0 ? -h : h)[0]"),
    "min": Function("call", 2, "[[{0}, {1}]].map(h, h[0] <= h[1] ? h[0] : h[1])[0]"),
    "max": Function("call", 2, "[[{0}, {1}]].map(h, h[0] >= h[1] ? h[0] : h[1])[0]"),
    "floor": Function("call", 1, "[{0}].map(h, double(int(h)) > h ? double(int(h)) - 1.0 : double(int(h)))[0]"),
    "ceil": Function("call", 1, "[{0}].map(h, double(int(h)) < h ? double(int(h)) + 1.0 : double(int(h)))[0]"),
    "round": Function("call", 1, "[{0}].map(h, h < 0.0 ? double(int(h - 0.5)) : double(int(h + 0.5)))[0]"),
    "contains": Function("method", 2, "{0}.contains({1})"),
    "startsWith": Function("method", 2, "{0}.startsWith({1})"),
    "endsWith": Function("method", 2, "{0}.endsWith({1})"),
    "matches": Function("both", 2, "{0}.matches({1})"),
    "timestamp": Function("call", 1, "timestamp({0})"),
    "duration": Function("call", 1, "duration({0})"),
    **{
        name: _part_of_time(name)
        for name in (
            "getFullYear",
            "getMonth",
            "getDate",
            "getDayOfMonth",
            "getDayOfWeek",
            "getDayOfYear",
            "getHours",
            "getMinutes",
            "getSeconds",
            "getMilliseconds",
        )
    },
}

MACROS: dict[str, bool] = {"all": False, "exists": False, "exists_one": False, "map": True, "filter": True}
"""Loops over a list or a map's keys: ``list.exists(x, x > 5)``.  The flag: does it build a list?"""
