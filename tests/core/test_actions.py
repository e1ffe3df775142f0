"""The configuration of actions, as a definition's author meets it: mistakes with their place, and what is rendered."""

import pytest

from streams.core.actions.failures import failure_of, is_transient
from streams.core.parse import check_definition, parse_definition
from streams.core.process import compile_process

HEAD = "id: a\nversion: 1\ntrigger: {type: api}\nvariables: [{name: x}]\nactivities:\n"
SCRIPT = """\
  - id: mean
    type: service
    action: script
    output: result
    config:
      source: |
        total = sum(input["temps"])
        output = {"mean": f"${total}"}
      input: {temps: "${x}"}
"""
HTTP = "  - {id: tell, type: service, action: http_request, config: {%s}}\n"


def said(text: str) -> list[str]:
    return [str(one).splitlines()[0] for one in check_definition(HEAD + text, "f")[1]]


def test_the_source_of_a_script_is_taken_as_it_is() -> None:
    process = compile_process(parse_definition(HEAD + SCRIPT))
    config = process.activities["mean"].config.render({"x": [1, 2]})  # type: ignore[attr-defined]
    assert config == {
        "source": 'total = sum(input["temps"])\noutput = {"mean": f"${total}"}\n',
        "input": {"temps": [1, 2]},
    }


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("total = sum(", "total = = sum(", "12:17", "Expected Python, but got: invalid syntax"),
        ('output = {"mean"', '  output = {"mean"', "13:", "Expected Python, but got: unexpected indent"),
        ('["temps"])', '["temps"]', "12:20", "Expected Python, but got: '(' was never closed"),
    ],
)
def test_a_mistake_in_a_script_has_its_line_and_column(old: str, new: str, place: str, says: str) -> None:
    assert old in SCRIPT
    [problem] = said(SCRIPT.replace(old, new))
    assert problem.startswith(f"f:{place}"), problem
    assert says in problem


@pytest.mark.parametrize("source", ["(" * 5000 + ")" * 5000, "x" + ".a" * 8000])
def test_a_source_that_nests_too_deep_is_a_mistake_like_others(source: str) -> None:
    text = SCRIPT.replace('total = sum(input["temps"])', source)
    assert any("Expected Python" in line for line in said(text))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("url: 'ftp://plant/'", "Expected a URL with http:// or https://, but got 'ftp://plant/'"),
        ("url: 'http://me:secret@plant/'", "Expected a URL without user and password"),
        ("url: 'http://plant/', method: TRACE", "Expected 'GET'"),
        ("url: 'http://plant/', headers: {'a b': c}", "headers"),
        ("url: 'http://plant/', expect: [99]", "Expected a number from 200 up"),
        ("url: 'http://plant/', bodi: x", "Unknown field 'bodi'"),
        ("method: GET", "Expected a field 'url'"),
    ],
)
def test_a_mistake_in_a_request_is_told(config: str, says: str) -> None:
    problems = said(HTTP % config)
    assert any(says in problem for problem in problems), problems
    assert not any("secret" in problem for problem in problems)


def test_a_request_renders_its_parts() -> None:
    config = "url: 'https://plant/${x}', headers: {X-Count: '${x}'}, body: {n: '${x}'}"
    process = compile_process(parse_definition(HEAD + HTTP % config))
    assert process.activities["tell"].config.render({"x": 7}) == {  # type: ignore[attr-defined]
        "url": "https://plant/7",
        "method": "GET",
        "headers": {"X-Count": 7},
        "body": {"n": 7},
    }


EMIT = "topic: plant, event: {a: '${x}'}"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (f"type: emit, {EMIT}", f"type: service, action: emit, config: {{{EMIT}}}"),
        (f"type: emit, config: {{{EMIT}}}", f"type: service, action: emit, {EMIT}"),
        ("type: script, source: 'output = {}'", "type: service, action: script, source: 'output = {}'"),
    ],
)
def test_emit_and_script_may_be_written_as_types(short: str, long: str) -> None:
    one, other = (parse_definition(f"{HEAD}  - {{id: e, {text}}}\n") for text in (short, long))
    assert one.hash == other.hash


def test_an_action_of_another_name_beside_a_short_type_is_a_mistake() -> None:
    [problem] = said("  - {id: e, type: emit, action: log, message: x}\n")
    assert "Expected no action beside 'type: emit'" in problem


def test_a_topic_that_is_emitted_to_is_to_be_declared() -> None:
    undo = "{id: undo, type: emit, topic: other, event: 1}"
    definition = parse_definition(f"{HEAD}  - {{id: e, type: emit, {EMIT}, compensation: {undo}}}\n")
    assert definition.emits == ("plant", "other")
    assert definition.unheard(["plant", "other"], {}) is None
    missing = definition.unheard(["plant"], {})
    assert missing is not None
    assert "'other' is not declared" in missing.message


@pytest.mark.parametrize("topic", ["''", "a/+/b", "a/#", "a+${x}"])
def test_a_topic_to_publish_to_is_one(topic: str) -> None:
    text = f"  - {{id: p, type: service, action: mqtt_publish, topic: '{topic.strip(chr(39))}', payload: 1}}\n"
    assert any("Expected an MQTT topic to publish to" in line for line in said(text))


@pytest.mark.parametrize("topic", ["'a b'", "'${x}'"])
def test_a_topic_to_emit_to_is_a_constant(topic: str) -> None:
    assert any("topic" in line for line in said(f"  - {{id: e, type: emit, topic: {topic}, event: 1}}\n"))


SERVICE = "  - {id: act, type: service, action: %s, config: {%s}}\n"


@pytest.mark.parametrize(
    ("action", "config", "says"),
    [
        ("create_alert", "title: a, severity: hot",
         "Expected a severity info, warning, error or critical, but got 'hot'"),
        ("create_alert", "message: a", "Expected a field 'title'"),
        ("acknowledge_alert", "by: ann", "Expected one of 'alert_id' and 'alert_key', but there is none"),
        ("resolve_alert", "alert_id: a, alert_key: b",
         "Expected one of 'alert_id' and 'alert_key', but got 'alert_id' and 'alert_key'"),
        ("update_zone", "zone_id: z, radius_m: 5, polygon: []", "Expected a polygon, or a circle, but got"),
        ("update_zone", "zone_id: z, lat: 5", "Expected 'lat' and 'lon', but got lat alone"),
        ("get_users_in_zone", "zone_id: z, online: 1", "Expected true or false"),
        ("update_user_group", "user_id: u, group_id: g, operation: move", "Expected an operation add, remove or set"),
        ("send_message", "message: a", "Expected one of 'user_id', 'group_id', 'zone_id' and 'channel'"),
        ("send_notification", "message: a, channel: c, priority: top", "Expected a priority low, normal, high or"),
        ("trigger_bot", "bot_id: b, trigger: t", "Expected one of 'user_id', 'group_id', 'zone_id' and 'channel'"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_action_of_the_station_is_told(action: str, config: str, says: str) -> None:
    problems = said(SERVICE % (action, config))
    assert any(says in problem for problem in problems), problems


def test_what_an_expression_decides_is_left_to_the_worker() -> None:
    text = SERVICE % ("create_alert", "title: a, severity: '${x}'")
    text += SERVICE.replace("id: act", "id: move") % (
        "update_zone",
        "zone_id: z, lat: '${x}', lon: '${x}', radius_m: '${x}'",
    )
    process = compile_process(parse_definition(HEAD + text))
    assert process.activities["act"].config.render({"x": "error"})["severity"] == "error"  # type: ignore[attr-defined]
    moved = process.activities["move"].config.render({"x": 5.5})  # type: ignore[attr-defined]
    assert moved == {"zone_id": "z", "lat": 5.5, "lon": 5.5, "radius_m": 5.5}


@pytest.mark.parametrize(
    ("error_type", "transient"),
    [("http_500", True), ("http_503", True), ("http_404", False), ("http_429", True), ("of_another", False)],
)
def test_a_status_is_found_by_its_class(error_type: str, transient: bool) -> None:
    assert is_transient(error_type) is transient
    assert (failure_of(error_type) is None) is (error_type == "of_another")


@pytest.mark.parametrize("name", ["alert_id", "alert_key"])
@pytest.mark.parametrize("action", ["acknowledge_alert", "resolve_alert"])
def test_an_alert_is_named_by_its_id_or_its_key(action: str, name: str) -> None:
    assert said(f"  - {{id: seen, type: service, action: {action}, config: {{{name}: '${{x}}'}}}}\n") == []
