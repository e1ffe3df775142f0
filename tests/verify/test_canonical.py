"""Values that went through PostgreSQL have the text that they had before, and those that differ have another."""

import random
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from weir.verify.canonical import canonical, differing

VALUES: list[Any] = [
    *(0, 1, -1, 1.0, 0.1, -0.0, 0.0, 1e15, 1e16, 1e17, 1e22, -1e22, 1.5e300, 1e-7, 5e-324, 2**53 + 1, 2**63, 10**30),
    *(True, False, None, "", "1e22", ':1e5,"', "ä€😀", "\\u0041", "\t\n\x1f\x7f/", "-0.0]"),
    *([], {}, [1, [2.0, {"b": 1, "a": [None]}]], {"bb": 1, "a": 1e20, "ä": -0.0, "B": "1e5"}),
]


async def test_what_the_database_gives_back_is_the_same(fresh_database: Callable[..., str]) -> None:
    dice = random.Random(7)
    numbers = [dice.uniform(-1, 1) * 10 ** dice.randint(-30, 30) for _ in range(2_000)]
    values = [{"value": value, "near": [value]} for value in [*VALUES, *numbers]]
    written = [msgspec.json.encode(value).decode() for value in values]
    connection = await asyncpg.connect(fresh_database())
    try:
        rows = await connection.fetch("SELECT value::jsonb::text FROM unnest($1::text[]) AS of (value)", written)
    finally:
        await connection.close()
    for value, text, (row,) in zip(values, written, rows, strict=True):
        assert canonical(msgspec.json.decode(row)) == canonical(msgspec.json.decode(text)), (value, row)


def test_different_values_have_different_texts() -> None:
    texts = {canonical([value]) for value in VALUES}
    assert len(texts) == len(VALUES) - 1  # zero and minus zero


@pytest.mark.parametrize(
    ("expected", "found", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [("a", "1", "true")]),
        ({"a": {"b": [1], "c": 2}}, {"a": {"b": [2], "c": 2}}, [("a.b", "[1]", "[2]")]),
        ({"a": None}, {}, [("a", "null", "nothing")]),
        ({}, {"b": "x"}, [("b", "nothing", '"x"')]),
        ({"a": {}}, {"a": 1}, [("a", "{}", "1")]),
    ],
)
def test_the_field_is_named(expected: dict[str, Any], found: dict[str, Any], told: list[tuple[str, str, str]]) -> None:
    assert list(differing(expected, found)) == told


def test_long_values_are_cut() -> None:
    [(_, shown, _)] = differing({"a": "x" * 1000}, {"a": ""})
    assert shown.endswith("… (1002 characters)")
    assert len(shown) < 200
