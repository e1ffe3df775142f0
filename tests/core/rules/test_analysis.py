"""What is wrong with a table before anybody has asked it."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.expressions import ExpressionError
from streams.core.rules import Analysis, AxisType, Gap, HitPolicy, Overlap, analyse, axis_of, parse_cell
from streams.core.rules.axis import holds

Rows = list[dict[str, str]]


def analysed(
    rows: Rows,
    policy: HitPolicy = "unique",
    *types: AxisType,
    default: bool = False,
    allowed: str | None = None,
) -> Analysis:
    cells = [{name: parse_cell(text) for name, text in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    limits = None if allowed is None else parse_cell(allowed)
    axes = [axis_of(name, [row[name] for row in cells if name in row], types, limits) for name in names]
    return analyse(axes, [[row.get(name) for name in names] for row in cells], policy, default=default)


def gaps(rows: Rows, *types: AxisType, **options: Any) -> list[str]:
    found = analysed(rows, "unique", *types, **options)
    return [f"{one.where}; {one.example}" if one.example else one.where for one in found.gaps]


def test_rows_that_overlap_are_told_with_an_example() -> None:
    found = analysed([{"t": "> 30", "m": '"auto"'}, {"t": "<= 31"}, {"t": "> 31", "m": 'not("auto")'}])
    assert found == Analysis(overlaps=[Overlap(1, 2, 't = 31, m = "auto"')])


def test_rows_that_are_always_both_there() -> None:
    assert analysed([{"t": "-"}, {"t": "-"}]).overlaps == [Overlap(1, 2, "any input")]


def test_only_unique_and_any_mind_overlaps() -> None:
    rows = [{"t": "> 30"}, {"t": "> 20"}]
    assert analysed(rows, "any", default=True).overlaps == [Overlap(1, 2, "t = 31")]
    for policy in ("first", "priority", "collect"):
        assert analysed(rows, policy, default=True) == Analysis()


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["> 30", "<= 20"], ["t is in (20..30]; t = 30"]),
        (["> 30", "< 30"], ["t is 30"]),
        (["[20..30)"], ["t is below 20 or from 30 up; t = 30"]),
        (["(20..30]"], ["t is up to 20 or above 30; t = 20"]),
        (["[20..30]", "[31..40]", "< 20"], ["t is in (30..31) or above 40; t = 41"]),
        (["not([20..30])"], ["t is in [20..30]; t = 25"]),
        (["<= 0.5", "> 1.25"], ["t is in (0.5..1.25]; t = 1.25"]),
        (["30"], ["t is below 30 or above 30; t = 31"]),
        (["> 1, <= 1"], []),
        (["-"], []),
        (['"a", "b"'], ['t is another text; t = "other"']),
        (['"other"', 'not("other", "a")'], ['t is "a"']),
        (['not("other")'], ['t is "other"']),
        (['"a"', '"other"'], ['t is another text; t = "others"']),
        (['< "m"'], ['t is "m" or a text after "m"; t = "m "']),
        (['>= "m"', '"a"', '"a "'], ['t is a text before "a" or a text after "a "; t = "a  "']),
        (['<= ""', '"b"'], ['t is a text after "" or a text after "b"; t = "b "']),
        (["true"], ["t is false"]),
        (["null", "> 5"], ["t is up to 5; t = 5"]),
        (["not(null)"], ["t is null"]),
        (["5", "true", '"a"'], ['t is below 5 or above 5 or another text or false; t = "other"']),
        (["[1]"], ["anything"]),
    ],
)
def test_what_no_row_is_for_is_told_with_an_example(cells: list[str], told: list[str]) -> None:
    assert gaps([{"t": cell} for cell in cells]) == told


@pytest.mark.parametrize(
    ("cells", "types", "told"),
    [
        (["<= 29", "> 30"], ["integer"], ["t is 30"]),
        (["<= 29", ">= 30"], ["integer"], []),
        (["<= 29", ">= 30"], ["number"], ["t is in (29..30); t = 29.5"]),
        (["< 29.5", "> 30.5"], ["integer"], ["t is in (29.5..30.5); t = 30"]),
        (["<= 2", "> 2.5"], ["integer"], []),
        (["-"], ["integer"], []),
        (['"a"'], ["number"], ["anything"]),
        (["true", '"x"'], ["boolean"], ["t is false"]),
        (["> 5"], ["number", "string"], ["t is up to 5 or a text; t = 5"]),
    ],
)
def test_the_type_of_an_input_says_which_values_there_are(
    cells: list[str], types: list[AxisType], told: list[str]
) -> None:
    assert gaps([{"t": cell} for cell in cells], *types) == told


def test_the_values_of_an_input_say_what_may_come() -> None:
    assert gaps([{"m": '"a"'}, {"m": '"b"'}], allowed='"a", "b"') == []
    assert gaps([{"m": '"a"'}], allowed='"a", "b", "c"') == ['m is "b" or "c"']
    assert gaps([{"t": "> 50"}], allowed="[0..100]") == ["t is in [0..50]; t = 25"]
    assert gaps([{"t": "> 50"}], allowed="[60..100]") == []


def test_gaps_of_several_inputs_name_only_those_that_matter() -> None:
    rows = [{"t": "> 30", "b": "true", "m": "-"}, {"t": "<= 30", "b": "-", "m": '"a"'}]
    found = analysed(rows)
    assert found.gaps == [
        Gap("t is up to 30 and m is another text", 't = 30, m = "other"'),
        Gap("t is above 30 and b is false", "t = 31, b = false"),
    ]
    assert analysed(rows, default=True).gaps == []


def test_more_gaps_than_are_told() -> None:
    found = analysed([{"x": f"[{n}..{n + 1})", "y": f"> {n}"} for n in range(5)])
    assert (len(found.gaps), found.more_gaps, found.too_large) == (3, True, False)


def test_a_table_that_is_too_large_says_so() -> None:
    rows = [{f"x{i}": f"not({(n * 7 + i * 3) % 11})" for i in range(9)} for n in range(40)]
    found = analysed(rows)
    assert (found.gaps, found.too_large) == ([], True)


def test_cells_that_read_variables_prove_nothing() -> None:
    assert analysed([{"t": "> limit"}, {"t": "<= limit"}, {"t": "> 30"}]) == Analysis()
    assert analysed([{"t": "> limit", "m": '"a"'}]).gaps == [Gap("m is another text", 'm = "other"')]


def test_rows_that_never_hit_since_earlier_ones_do() -> None:
    rows = [{"t": "> 30"}, {"t": "<= 20"}, {"t": "> 40"}, {"t": "(20..30]"}, {"t": "[0..50]"}, {"t": "> limit"}]
    found = analysed(rows, "first")
    assert found.masked == [(3, [1]), (5, [1, 2, 4]), (6, [1, 2, 4])]
    assert analysed(rows[5:] + rows[:1], "first", default=True).masked == []


def test_a_row_is_masked_by_several_together() -> None:
    rows = [{"t": "> 30"}, {"m": '"a"'}, {"t": "> 20", "m": '"a"'}, {"t": "> 20"}, {"t": "> 25", "m": "-"}]
    assert analysed(rows, "first", default=True).masked == [(3, [1, 2]), (5, [1, 2, 4])]


def test_a_row_that_holds_for_nothing() -> None:
    rows = [{"m": '"a"'}, {"m": '"c"'}]
    assert analysed(rows, allowed='"a", "b"').empty == [2]
    assert analysed([{"t": '"hot"'}, {"t": "-"}], "first", "number").empty == [1]


CELLS = st.sampled_from(["-", "> 1", "<= 1", "[1..3)", "not(2)", "2, 3", "(0..2]", "< 0", "null"])
WORDS = st.sampled_from(["-", '"a"', 'not("a")', '"a", "b"', '"b"', 'not("a", "c")'])
TABLES = st.lists(st.fixed_dictionaries({"n": CELLS, "w": WORDS, "k": CELLS}), min_size=1, max_size=6)
NUMBERS = [-1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4]
TEXTS = ["a", "b", "c", "d"]


def hits(rows: Rows, values: dict[str, Any]) -> list[int]:
    return [at for at, row in enumerate(rows, 1) if all(fits(row[name], values[name]) for name in row)]


@cache
def fits(cell: str, value: Any) -> bool:
    return holds(parse_cell(cell), value)


@given(TABLES)
def test_the_analysis_agrees_with_trying_all_values(rows: Rows) -> None:
    nulls = {name: [None] * any("null" in row[name] for row in rows) for name in ("n", "k")}
    wanted = any(row["n"] not in ("-", "null") for row in rows), any(row["k"] not in ("-", "null") for row in rows)
    numbers = [(NUMBERS if known else [7]) + nulls[name] for name, known in zip("nk", wanted, strict=True)]
    texts = TEXTS if any(row["w"] != "-" for row in rows) else ["x"]
    tried = [dict(zip("nwk", values, strict=True)) for values in product(numbers[0], texts, numbers[1])]
    found = [hits(rows, values) for values in tried]
    pairs = {(one, two) for each in found for one in each for two in each if one < two}
    unique = analysed(rows)
    assert {(one.first, one.second) for one in unique.overlaps} == pairs
    assert unique.too_large or bool(unique.gaps) == any(not each for each in found)
    first = analysed(rows, "first", default=True)
    never = {at for at in range(1, len(rows) + 1) if all(each[:1] != [at] for each in found)}
    assert {at for at, _ in first.masked} | set(first.empty) == never


def test_what_cannot_be_compared_does_not_hold() -> None:
    with pytest.raises(ExpressionError):
        parse_cell("> 5").holds("a", {})
    assert not holds(parse_cell("> 5"), "a")
