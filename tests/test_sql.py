"""SQL is made of constants and names of ours; values go as parameters.

The source is walked: whatever is put into a text that is SQL, or that goes to a method which executes it, must be on
the list below, which says what it is.  A line that nothing needs any more is a mistake too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PACKAGES = ("streams", "projections", "weir")
EXECUTES = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "cursor"}
SQL = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE \S+ SET|DELETE FROM|WITH \S+ AS|CREATE |DROP |ALTER |TRUNCATE|LOCK TABLE|SET LOCAL"
    r"|SET search_path|COPY |ANALYZE|ORDER BY|WHERE |GRANT |REVOKE )"
)

ALLOWED = {
    # names of our own schemas, tables and columns: constants of the module, or taken from the catalogue, quoted there
    "COLUMNS", "_COLUMNS", "_MERGED", "SCHEMA", "REPLACED", "schema", "live", "table", "column",
    "extension", "INSTANCE_COLUMNS", "TASK_COLUMNS", "INCIDENT_COLUMNS",
    "', '.join((f'ONLY {name}' for name in names))", "', '.join((f'{SCHEMA}.{table}' for table in PROJECTED))",
    # queries of ours to which conditions are added, and expressions over our columns
    "INSTANCES", "_WHERE", "_VERSIONS", "query", "place", "_mine(column)", "columns", "chunk", "_EXPIRED_INSTANCES",
    "_RUNS", "_OVER", "_OF_NAME", "_BY_CORRELATION", "_TAIL",
    "sort", "SAID.format('$8')",
    # the number of a parameter, conditions made of those, and what stands behind them
    "parameter(limit)", "parameter(offset)", "where", "order", "tail",
    "' AND '.join(conditions)", "' AND '.join(all_of)",
    # a number, an interval that is a constant
    "round(LOCK_TIMEOUT_S * 1000)", "round(SILENT_S * 1000)", "round(HOLD_LOCK_TIMEOUT_S * 1000)",
    # the name of a snapshot, as PostgreSQL gave it; the statement takes no parameter
    "moment.id",
    # a definition's own query, in a transaction that cannot write, and columns that its model lets in as names only
    "selected", "self.query", "' AND '.join(where)",
    # the embedded cluster's own role and database
    "ROLE", "DATABASE",
}  # fmt: skip


def interpolated(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and source of what is put into SQL, and of what goes to a method that executes it without being a text."""
    texts = {id(part): node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in texts and _is_sql(node):
            yield from ((node.lineno, ast.unparse(part.value)) for part in node.values if _fills(part))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and _is_sql(node.left):
            yield node.lineno, ast.unparse(node.right)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "format" and _is_sql(node.func.value):
                yield from ((node.lineno, ast.unparse(one.value)) for one in node.keywords)
                yield from ((node.lineno, ast.unparse(one)) for one in node.args)
            elif node.func.attr in EXECUTES and node.args and _is_made(node.args[0]):
                yield from ((node.lineno, one) for one in _made_of(node.args[0]))


def _is_sql(node: ast.AST) -> bool:
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return isinstance(first, ast.Constant) and isinstance(first.value, str) and SQL.match(first.value) is not None


def _fills(part: ast.AST) -> bool:
    return isinstance(part, ast.FormattedValue)


def _is_made(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr | ast.BinOp) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")
    )


def _made_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.JoinedStr):
        return [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        return [ast.unparse(node.right)]
    assert isinstance(node, ast.Call)
    return [ast.unparse(one) for one in [*node.args, *(keyword.value for keyword in node.keywords)]]


def found() -> dict[str, list[str]]:
    """What is put into SQL, and where."""
    places: dict[str, list[str]] = {}
    for package in PACKAGES:
        for file in sorted((PROJECT / package).rglob("*.py")):
            for line, source in interpolated(ast.parse(file.read_text())):
                places.setdefault(source, []).append(f"{file.relative_to(PROJECT)}:{line}")
    return places


def test_nothing_but_names_of_ours_is_put_into_sql() -> None:
    assert {source: places for source, places in found().items() if source not in ALLOWED} == {}


def test_every_line_of_the_list_is_needed() -> None:
    assert found().keys() & ALLOWED == ALLOWED


def test_the_walk_finds_what_it_is_for() -> None:
    planted = """
connection.fetch(f"SELECT * FROM t WHERE id = '{one}'")
connection.execute("DELETE FROM t WHERE id = " + two)
connection.execute("UPDATE t SET a = %s" % three)
connection.execute("INSERT INTO t VALUES ({})".format(four))
query = f"SELECT {five}"
connection.fetchval(BASE + six)
connection.fetchval(BASE.format(x=seven))
"""
    assert {source for _, source in interpolated(ast.parse(planted))} == {
        "one", "two", "three", "four", "five", "six", "seven",
    }  # fmt: skip
