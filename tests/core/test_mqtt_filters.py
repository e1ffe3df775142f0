"""MQTT topic filters, as MQTT 3.1.1 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.mqtt_filters import carrier, check_filter, covers, matches, wildcard_part


@pytest.mark.parametrize(
    ("mqtt_filter", "mqtt_topic", "part"),
    [
        ("home/heatpump/+/telemetry", "home/heatpump/hp1/telemetry", "hp1"),
        ("home/heatpump/+/telemetry", "home/heatpump/hp1/telemetry/more", None),
        ("home/heatpump/+/telemetry", "home/heatpump/hp1", None),
        ("home/heatpump/+/telemetry", "Home/heatpump/hp1/telemetry", None),
        ("+/+/state", "plant/line/state", "plant/line"),
        ("plant/#", "plant/line/7", "line/7"),
        ("plant/#", "plant", ""),
        ("plant/+/#", "plant/line/a/b", "line/a/b"),
        ("#", "a/b", "a/b"),
        ("#", "$SYS/uptime", None),
        ("+/uptime", "$SYS/uptime", None),
        ("$SYS/#", "$SYS/uptime", "uptime"),
        ("plant/main", "plant/main", "plant/main"),
        ("plant/main", "plant/mains", None),
        ("plant/+", "plant/", ""),
    ],
)
def test_filters_match_as_mqtt_says(mqtt_filter: str, mqtt_topic: str, part: str | None) -> None:
    assert wildcard_part(mqtt_filter, mqtt_topic) == part


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("home/+/telemetry", "home/hp1/telemetry", True),
        ("home/+/telemetry", "home/+/telemetry", True),
        ("home/+/telemetry", "home/#", False),
        ("home/+/telemetry", "home/+/+", False),
        ("home/+/telemetry", "home/hp1", False),
        ("home/#", "home", True),
        ("home/#", "home/+/x/#", True),
        ("home/#", "#", False),
        ("#", "+/x", True),
        ("#", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("home/hp1", "home/+", False),
    ],
)
def test_a_filter_covers_another(wide: str, narrow: str, covered: bool) -> None:
    assert covers(wide, narrow) is covered


levels = st.sampled_from(["a", "b", "$s", ""])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = (
    st.tuples(st.lists(st.one_of(levels, st.just("+")), max_size=3), st.one_of(levels, st.sampled_from(["+", "#"])))
    .map(lambda one: "/".join([*one[0], one[1]]))
    .filter(bool)
)


@given(filters, filters, topics)
def test_what_a_filter_covers_it_matches(wide: str, narrow: str, topic: str) -> None:
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@given(filters)
def test_a_filter_covers_itself_and_nothing_covers_more(one: str) -> None:
    assert check_filter(one) == one
    assert covers(one, one)
    assert covers("#", one) is not one.startswith("$")


def test_the_first_route_that_covers_it_carries() -> None:
    routes = {"home/+/state": "states", "home/#": "home", "#": "all"}
    assert carrier(routes, "home/hp1/state") == "states"
    assert carrier(routes, "home/+/+") == "home"
    assert carrier(routes, "plant/+") == "all"
    assert carrier({"home/+/state": "states"}, "home/#") is None


@pytest.mark.parametrize("text", ["", "a+", "a/#/b", "#a", "x" * 1001])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ValueError, match="Expected"):
        check_filter(text)
