"""Series of values in promtool's notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.expressions import MISSING
from weir.testkit.series import MAX_VALUES, SeriesError, listed, parse_series

_ = MISSING


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("20", (20,)),
        ("20.5", (20.5,)),
        ("-3 .5 +2 1e3 2.", (-3, 0.5, 2, 1000.0, 2.0)),
        ("20+1x3", (20, 21, 22, 23)),
        ("20-1x3", (20, 19, 18, 17)),
        ("-2+4x3", (-2, 2, 6, 10)),
        ("20+0.1x3", (20.0, 20.1, 20.2, 20.3)),
        ("1x0 3", (1, 3)),
        ("5x4", (5, 5, 5, 5, 5)),
        ("_", (_,)),
        ("1 _x3 2", (1, _, _, _, 2)),
        ("_x0 1", (1,)),
        ("  1\n 2\t3 ", (1, 2, 3)),
    ],
)
def test_what_a_series_means(text, values):
    assert parse_series(text) == values
    assert [type(one) for one in parse_series(text)] == [type(one) for one in values]


@pytest.mark.parametrize(
    ("text", "offset", "message", "fix"),
    [
        ("", 0, "but the text is empty", ""),
        ("   ", 0, "but the text is empty", ""),
        ("1 2 hot", 4, "but got 'hot'", "stands in a list"),
        ("1 20+1", 2, "but got '20+1'", "'20+1x10'"),
        ("1 stale", 2, "but got 'stale'", "Write '_'"),
        ("1+x3", 0, "but got '1+x3'", ""),
        ("0x10p", 0, "but got '0x10p'", ""),
        ("nan inf", 0, "but got 'nan'", ""),
        (f"1x{MAX_VALUES}", 0, "at most 100,000 values", ""),
        (f"1 _x{MAX_VALUES}", 2, "at most 100,000 values", ""),
        ("1x99999999999999999999", 0, "at most 100,000 values", ""),
        ("1" * 91, 0, "at most 30 digits", ""),
    ],
)
def test_an_error_names_the_place_and_the_fix(text, offset, message, fix):
    with pytest.raises(SeriesError) as caught:
        parse_series(text)
    assert message in str(caught.value)
    assert caught.value.offset == offset
    assert fix in caught.value.fix


def test_a_list_has_any_values():
    assert listed(["alarm", None, {"a": 1}]) == ("alarm", _, {"a": 1})
    with pytest.raises(SeriesError):
        listed([])


whole = st.integers(-(10**6), 10**6)


@given(whole, whole, st.integers(0, 50))
def test_a_run_of_whole_numbers_is_what_arithmetic_says(first, step, more):
    text = f"{first}{step:+d}x{more}"
    assert parse_series(text) == tuple(first + step * n for n in range(more + 1))


@given(
    st.lists(st.one_of(whole, st.floats(allow_nan=False, allow_infinity=False, width=32), st.just(MISSING)), min_size=1)
)
def test_single_values_come_back(values):
    text = " ".join("_" if one is MISSING else repr(one) for one in values)
    assert parse_series(text) == tuple(values)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_place_in_it(text):
    try:
        values = parse_series(text)
    except SeriesError as error:
        assert 0 <= error.offset <= len(text)  # noqa: PT017 - either is fine
    else:
        assert values
