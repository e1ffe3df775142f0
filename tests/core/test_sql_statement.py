"""SQL statements of definitions: where a parameter is, and what is no statement."""

from typing import Any

import pytest

from streams.core.actions.sql import MAX_PARAMETERS, parse_statement
from streams.core.expressions import ExpressionSyntaxError
from streams.core.parse import check_definition

HEAD = "id: a\nversion: 1\ntrigger: {type: api}\nvariables: [{name: x}]\nactivities:\n"
QUERY = "  - {id: q, type: service, action: database_query, config: {%s}}\n"
VERBS = frozenset({"SELECT", "WITH"})


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT :a + :b - :a", "SELECT $1 + $2 - $1", ("a", "b")),
        ("select ':a', E'\\':b', U&':c', \":d\"", "select ':a', E'\\':b', U&':c', \":d\"", ()),
        ("SELECT 'it''s :a', :b::text", "SELECT 'it''s :a', $1::text", ("b",)),
        ("SELECT $$ :a $$, $t$ $$ :b $t$, f(x := :c)", "SELECT $$ :a $$, $t$ $$ :b $t$, f(x := $1)", ("c",)),
        ("-- :a\nSELECT /* :b\n */ :c ; -- :d", "-- :a\nSELECT /* :b\n */ $1  -- :d", ("c",)),
        ("SELECT xs[1:2], a$1 FROM t", "SELECT xs[1:2], a$1 FROM t", ()),
        ("SELECT $2, $1", "SELECT $2, $1", ()),
        ("SELECT xs[1:n], xs[m:n], xs[f(:a):n]", "SELECT xs[1:n], xs[m:n], xs[f($1):n]", ("a",)),
        ("SELECT xs[1: :n], xs[:a : :b]", "SELECT xs[1: $1], xs[$2 : $3]", ("n", "a", "b")),
        ("SELECT xs[:a], xs[:a:n], xs[: n], xs[:a:: int]", "SELECT xs[$1], xs[$1:n], xs[: n], xs[$1:: int]", ("a",)),
        ("SELECT xs[1 :n], xs[ys[1]:n], xs['1':n]", "SELECT xs[1 :n], xs[ys[1]:n], xs['1':n]", ()),
        ("SELECT xs[1+:n], xs[1 /* :a */ :n]", "SELECT xs[1+$1], xs[1 /* :a */ :n]", ("n",)),
        ("SELECT ARRAY[:a, :b], xs[(SELECT 1 :c)]", "SELECT ARRAY[$1, $2], xs[(SELECT 1 $3)]", ("a", "b", "c")),
        ("SELECT xs[CASE WHEN a THEN :b else :c END]", "SELECT xs[CASE WHEN a THEN $1 else $2 END]", ("b", "c")),
        ("SELECT ']' || xs[1:n] || \"[\" || :a", "SELECT ']' || xs[1:n] || \"[\" || $1", ("a",)),
        ("SELECT /* /* :a */ :b */ :c", "SELECT /* /* :a */ :b */ $1", ("c",)),
        ("SELECT x::int, :a::int[], x :: text", "SELECT x::int, $1::int[], x :: text", ("a",)),
    ],
)
def test_names_become_numbers_where_they_are_parameters(sql: str, text: str, names: tuple[str, ...]) -> None:
    statement = parse_statement(sql, VERBS)
    assert (statement.text, statement.names) == (text, names)


@pytest.mark.parametrize(
    ("sql", "says", "offset"),
    [
        ("SELECT ${x}", "values as parameters, but got '${'", 7),
        ("DELETE FROM t", "begins with SELECT, WITH, but got 'DELETE'", 0),
        ("(SELECT 1)", "begins with SELECT, WITH, but got '('", 0),
        ("SELECT 1; DROP TABLE t", "one statement, but there is another", 10),
        ("SELECT 'a", "a closing '", 7),
        ('SELECT "a', 'a closing "', 7),
        ("SELECT /* a", "a closing */", 7),
        ("SELECT /* /* a */", "a closing */", 7),
        ("SELECT $t$ a $$", "a closing $t$", 7),
        ("SELECT :a, $1", "either :name or $1", 11),
        (" -- nothing", "it is empty", 0),
        (f"SELECT ${MAX_PARAMETERS + 1}", f"at most {MAX_PARAMETERS} parameters", 0),
    ],
)
def test_what_is_no_statement_is_refused_at_its_place(sql: str, says: str, offset: int) -> None:
    with pytest.raises(ExpressionSyntaxError) as refused:
        parse_statement(sql, VERBS)
    assert says in str(refused.value)
    assert refused.value.offset == offset


@pytest.mark.parametrize(
    ("sql", "params", "arguments"),
    [
        ("SELECT :b, :a", {"a": 1, "b": [2]}, [[2], 1]),
        ("SELECT $1", [None], [None]),
        ("SELECT 1", None, []),
        ("SELECT 1", {}, []),
    ],
)
def test_arguments_stand_in_the_order_of_the_numbers(sql: str, params: Any, arguments: list[Any]) -> None:
    assert parse_statement(sql, VERBS).arguments(params) == arguments


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("query: 'SELECT 1', params: {a: 1}", "The statement has no :a"),
        ("query: 'SELECT :ab', params: {ba: 1}", "Expected a value for :ab, but params has ba"),
        ("query: 'SELECT :ab'", "Expected a value for :ab, but params has none"),
        ("query: 'SELECT :a', params: {a: 1, b: 2}", "The statement has no :b"),
        (
            "query: 'SELECT xs[:a:b]', params: {a: 1, b: 2}",
            "The statement has no :b, since a slice has a colon of its own. Write [… : :b] for a parameter",
        ),
        ("query: 'SELECT xs[1::b]', params: {b: 2}", "since a slice has a colon of its own. Write [… : :b]"),
        (
            "query: 'SELECT xs[:a]'",
            "Expected a value for :a, but params has none. Write [: a] for a slice up to a column",
        ),
        ("query: 'SELECT :a', params: [1]", "Expected an object with a as params, but got a list"),
        ("query: 'SELECT $1', params: {a: 1}", "Expected a list with the values of $1, $2 … as params"),
        ("query: 'SELECT $1', params: 5", "Expected a list with the values of $1, $2 … as params, but got 5"),
        ("query: 'SELECT $1', params: 'x'", "Expected a list with the values of $1, $2 … as params, but got a text"),
        ("query: 'SELECT $1', params: ['${x}', 2]", "Expected 1 value, for $1 to $1, but params has 2"),
        ("query: 'SELECT 1', params: [2]", "Expected no values, but params has 1"),
        ("query: 'SELECT ''${x}'''", "Expected SQL with its values as parameters, but got '${'"),
        ("query: 'DROP TABLE t'", "Expected a statement that begins with"),
        ("query: 'SELECT 1', limit: 5000", "Expected a number up to 1000"),
        ("query: 'SELECT 1', database: 'a b'", "database"),
    ],
)
def test_a_mistake_in_a_query_is_told(config: str, says: str) -> None:
    problems = [str(one) for one in check_definition(HEAD + QUERY % config, "f")[1]]
    assert len(problems) == 1
    assert says in problems[0]
    assert problems[0].startswith("f:6:")


@pytest.mark.parametrize(
    "config",
    [
        "query: 'SELECT :a', params: {a: '${x}'}",
        "query: 'SELECT :a', params: '${x}'",
        "query: 'SELECT $1', params: ['${secrets.key}'], database: erp, limit: 5",
    ],
)
def test_a_query_takes_expressions_as_values(config: str) -> None:
    problems = check_definition(HEAD + QUERY % config, "f")[1]
    assert [one for one in problems if one.severity == "error"] == []
