"""Which rows of a table hit, and what comes of them."""

from typing import Any

import pytest

from streams.core.expressions import ExpressionError, compile_expression, compile_template
from streams.core.rules import Row, RulesError, Table, parse_cell

ROWS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"t": "> 30"}, {"fan": "high", "cost": 3}),
    ({"t": "> 20", "m": '"auto"'}, {"fan": "low", "cost": 1}),
    ({"m": '"off"'}, {"fan": "off", "cost": 0}),
    ({"t": "> 25", "m": '"auto"'}, {"fan": "low", "cost": 1.0}),
]


def table(
    rows: list[tuple[dict[str, str], dict[str, Any]]] = ROWS, names: dict[int, str] | None = None, **options: Any
) -> Table:
    outputs = tuple(rows[0][1])
    return Table(
        inputs=tuple((name, compile_expression(name)) for name in ("t", "m")),
        outputs=outputs,
        rows=tuple(
            Row(
                (names or {}).get(number),
                tuple((name, parse_cell(cell)) for name, cell in when.items()),
                compile_template(then),
            )
            for number, (when, then) in enumerate(rows, 1)
        ),
        **{"policy": "unique", **options},
    )


def one_output(name: str, **options: Any) -> Table:
    return table([(when, {name: then[name]}) for when, then in ROWS], **options)


def test_unique_is_the_row_that_hits() -> None:
    outcome = table().evaluate({"t": 22, "m": "auto", "other": 1})
    assert (outcome.hits, outcome.used) == ((2,), 2)
    assert outcome.inputs == {"t": 22, "m": "auto"}
    assert outcome.result == {"fan": "low", "cost": 1}


def test_unique_with_two_hits_names_them() -> None:
    with pytest.raises(RulesError) as caught:
        table(names={3: "nobody is there"}).evaluate({"t": 31, "m": "off"})
    assert str(caught.value) == ("Expected one rule to hit (hit_policy unique), but rules 1 and 3 (nobody is there) do")
    with pytest.raises(RulesError, match="but rules 1, 2 and 4 do"):
        table().evaluate({"t": 31, "m": "auto"})


def test_first_stops_there() -> None:
    outcome = table(policy="first").evaluate({"t": 31, "m": "auto"})
    assert (outcome.hits, outcome.result["fan"]) == ((1,), "high")


def test_any_wants_the_same_outputs() -> None:
    outcome = table(policy="any").evaluate({"t": 26, "m": "auto"})
    assert (outcome.hits, outcome.used, outcome.result) == ((2, 4), 2, {"fan": "low", "cost": 1})
    with pytest.raises(RulesError) as caught:
        table(policy="any").evaluate({"t": 31, "m": "auto"})
    assert str(caught.value) == (
        "Expected the same outputs of all rules that hit (hit_policy any), but rules 1 and 2 give "
        '{"cost": 3, "fan": "high"} and {"cost": 1, "fan": "low"}'
    )


def test_priority_goes_by_the_values_of_the_outputs() -> None:
    ranked = table(policy="priority", priorities=(("fan", ("off", "low", "high")),))
    assert ranked.evaluate({"t": 31, "m": "off"}).used == 3
    assert ranked.evaluate({"t": 31, "m": "auto"}).used == 2
    by_cost = table(policy="priority", priorities=(("cost", (3.0, 1, 0)), ("fan", ("high", "off"))))
    assert by_cost.evaluate({"t": 31, "m": "off"}).hits == (1, 3)
    with pytest.raises(RulesError) as caught:
        by_cost.evaluate({"t": 22, "m": "auto"})
    assert str(caught.value) == "Expected 'fan' of rule 2 to be one of its values, but got \"low\""


@pytest.mark.parametrize(
    ("aggregation", "all_hit", "none_hits"),
    [(None, [3, 1, 1], []), ("sum", 5, 0), ("min", 1, None), ("max", 3, None), ("count", 3, 0)],
)
def test_collect(aggregation: str | None, all_hit: Any, none_hits: Any) -> None:
    collecting = one_output("cost", policy="collect", aggregation=aggregation)
    outcome = collecting.evaluate({"t": 31, "m": "auto"})
    assert (outcome.hits, outcome.used, outcome.result) == ((1, 2, 4), None, all_hit)
    assert collecting.evaluate({"t": 1, "m": "auto"}).result == none_hits


def test_collect_of_several_outputs_is_a_list_of_objects() -> None:
    assert table(policy="collect").evaluate({"t": 31, "m": "off"}).result == [ROWS[0][1], ROWS[2][1]]


def test_only_numbers_are_summed() -> None:
    with pytest.raises(RulesError) as caught:
        one_output("fan", policy="collect", aggregation="sum").evaluate({"t": 31, "m": "off"})
    assert str(caught.value) == 'Expected a number for sum from rule 1, but got "high"'


def test_one_output_is_its_value() -> None:
    assert one_output("fan").evaluate({"t": 22, "m": "auto"}).result == "low"


def test_where_no_row_hits_the_default_does() -> None:
    default = compile_template({"fan": "${m}"})
    outcome = one_output("fan", default=default).evaluate({"t": 1, "m": "manual"})
    assert (outcome.hits, outcome.used, outcome.result) == ((), None, "manual")


def test_without_a_default_no_hit_is_an_error_that_tells_the_inputs() -> None:
    with pytest.raises(RulesError) as caught:
        table().evaluate({"t": 1, "m": "manual"})
    assert str(caught.value) == 'Expected a rule that hits, but none does: t is 1, m is "manual"'


def test_outputs_are_templates_over_variables_and_inputs() -> None:
    rows = [({"t": "> limit"}, {"text": "${t} is ${t - limit} above ${limit}"})]
    assert table(rows).evaluate({"t": 31.5, "m": None, "limit": 30}).result == "31.5 is 1.5 above 30"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (({"t": "> 30"}, {"x": 1}), "rule 1: t: Expected a number to compare with '> 30', but got \"hot\""),
        (({}, {"x": "${t + 1}"}), "rule 1: Expected two numbers, two texts or two lists in 't + 1', but t is \"hot\""),
    ],
)
def test_what_cannot_be_evaluated_is_told_with_its_row(row: Any, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        table([row]).evaluate({"t": "hot", "m": 1})
    assert str(caught.value) == says
