"""The trigger ``mqtt``: which telemetry topic it listens to, and what is said where there is none."""

import pytest

from streams.core.commands import DeployDefinition
from streams.core.parse import check_definition, parse_definition
from streams.core.process import compile_process
from tests.core.plant import Plant

ROUTES = {"home/+/telemetry": "heatpump-telemetry"}


def text(trigger: str) -> str:
    return f"id: x\ntrigger: {trigger}\nactivities: [{{id: note, type: service, action: log, message: x}}]\n"


def test_it_listens_where_the_bridge_carries_its_messages() -> None:
    [trigger] = compile_process(parse_definition(text("{type: mqtt, topic: home/hp1/telemetry}")), ROUTES).triggers
    assert (trigger.topic, trigger.mqtt, trigger.kind) == ("heatpump-telemetry", "home/hp1/telemetry", "mqtt")
    assert trigger.matches({"fields": {}}, "home/hp1/telemetry")
    assert trigger.matches({"fields": {}}, "home/hp2/telemetry") is False
    assert trigger.matches({"fields": {}}) is False


def deploy(trigger: str) -> Plant:
    plant = Plant()
    plant.around.mqtt_routes = ROUTES
    plant.do(DeployDefinition(definition=parse_definition(text(trigger)).model_dump(mode="json")))
    return plant


def test_one_that_a_route_covers_is_deployed() -> None:
    assert [event.type for event in deploy("{type: mqtt, topic: home/hp1/telemetry}").log] == ["definition_deployed"]


def test_one_that_no_route_covers_is_refused_with_what_to_add() -> None:
    last = deploy("{type: mqtt, topic: home/#}").last
    assert last is not None
    assert last.rejection is not None
    assert last.rejection.reason == "undeclared_topic"
    assert last.rejection.message.startswith(
        "x: No route carries all of MQTT topic 'home/#' (routes: 'home/+/telemetry')."
    )
    assert last.rejection.message.endswith("a topic with 'mqtt: home/#' under 'telemetry:' in redpanda/topics.yaml")


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("home/#/x", "Expected '#' as the last level only"),
        ("home/hp+", "Expected '+' and '#' to stand for a whole level, but got 'hp+'"),
        ('""', "Expected an MQTT topic filter of 1 to 1000 characters"),
    ],
)
def test_what_is_no_filter_is_told(topic: str, message: str) -> None:
    _, problems = check_definition(text(f"{{type: mqtt, topic: {topic}}}"))
    assert [(one.path, one.message) for one in problems] == [("trigger.topic", message)]
