"""The table of errors is whole: every type that a performer raises is in it, and every line of it is raised."""

import ast
from collections.abc import Iterator
from pathlib import Path

from streams.actions import pg_errors
from streams.core.actions import ACTIONS
from streams.core.actions.failures import FAILURES
from streams.sandbox import runner

STREAMS = Path(__file__).parents[2] / "streams"
FILES = [*sorted((STREAMS / "actions").glob("*.py")), STREAMS / "performing.py"]
LOOKED_UP = {"kind": set(pg_errors._TYPES.values()) | {"database_error", "mail_later", "mail_login", "mail_refused"}}
"""Types that are chosen before: by the variable's name."""
RAISERS = {"ActionError": 1, "_failed": 1}
"""The argument that is the type."""
MADE = {
    "script_": {f"script_{kind}" for kind in ("time", "cpu", "memory", "output", "crash", "script", "no_sandbox")},
    "http_": {"http_408", "http_425", "http_429", "http_5xx", "http_xxx"},
}
"""The types that begin with a constant and end with what was found."""


def raised() -> Iterator[tuple[str, str]]:
    """(place, type) of every error that our own code makes."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (at := RAISERS.get(getattr(node.func, "id", ""))) is not None:
                yield from ((f"{file.name}:{node.lineno}", one) for one in _types(node.args[at]))


def _types(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _types(node.body)
            yield from _types(node.orelse)
        case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), *_]):
            yield from MADE[prefix]
        case ast.Name(id=name) if name in LOOKED_UP:
            yield from LOOKED_UP[name]
        case ast.Name(id="error_type") | ast.Attribute(attr="error_type"):
            pass  # passed on
        case _:
            raise AssertionError(ast.unparse(node))


def test_every_type_that_is_raised_is_in_the_table() -> None:
    assert {(place, one) for place, one in raised() if one not in FAILURES} == set()


def test_every_line_of_the_table_is_raised() -> None:
    assert FAILURES.keys() - {one for _, one in raised()} == set()


def test_the_table_names_actions_that_exist() -> None:
    assert {name for one in FAILURES.values() for name in one.actions} <= ACTIONS.keys()


def test_none_of_ours_says_otherwise_than_the_table() -> None:
    own = [
        f"{file.name}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "ActionError"
        and any(one.arg == "retryable" for one in node.keywords)
    ]
    assert own == []


def test_the_kinds_of_the_sandbox_are_those_of_the_table() -> None:
    source = "".join(file.read_text() for file in Path(runner.__file__).parent.glob("*.py"))
    for kind in MADE["script_"]:
        assert f'"{kind.removeprefix("script_")}"' in source
