"""How the values of options are read."""

import pytest
import typer

from weir.cli.options import check_target, parse_object, parse_variables
from weir.cli.status import duration

INSTANCE = "019ab8f0-0000-8001-8000-000000000000"


@pytest.mark.parametrize(
    ("pairs", "text", "expected"),
    [
        ([], None, {}),
        (["temperature=25.5"], None, {"temperature": 25.5}),
        (
            ["count=3", "hot=true", "tags=[1,2]", "nothing=null"],
            None,
            {"count": 3, "hot": True, "tags": [1, 2], "nothing": None},
        ),
        (["device=pump-3"], None, {"device": "pump-3"}),
        (["formula=a=b"], None, {"formula": "a=b"}),
        (["empty="], None, {"empty": ""}),
        (['quoted="25.5"'], None, {"quoted": "25.5"}),
        ([], '{"a": 1, "b": {"c": 2}}', {"a": 1, "b": {"c": 2}}),
        (["a=2"], '{"a": 1, "b": 1}', {"a": 2, "b": 1}),
    ],
)
def test_variables(pairs, text, expected):
    assert parse_variables(pairs, text) == expected


@pytest.mark.parametrize("pair", ["temperature", "=25", ""])
def test_a_variable_needs_a_name_and_a_value(pair):
    with pytest.raises(typer.BadParameter, match="Expected name=value"):
        parse_variables([pair], None)


@pytest.mark.parametrize("text", ["{", "[]", "3", "", "NaN"])
def test_an_object_is_json(text):
    with pytest.raises(typer.BadParameter, match="Expected a JSON object"):
        parse_object(text, "--payload")


def test_a_target_is_an_instance_or_a_key():
    assert check_target(INSTANCE.upper(), None) == INSTANCE
    assert check_target(None, "pump-3") is None
    for instance, key in ((None, None), (INSTANCE, "pump-3")):
        with pytest.raises(typer.BadParameter, match="not both"):
            check_target(instance, key)
    with pytest.raises(typer.BadParameter, match="Expected a UUID"):
        check_target("pump-3", None)


def test_durations_as_people_say_them():
    assert [duration(seconds) for seconds in (5, 90, 7200, 200_000)] == ["5 s", "2 min", "2 h", "2 d"]
