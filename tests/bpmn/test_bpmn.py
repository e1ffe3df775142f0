"""Definitions as BPMN diagrams: another engine reads them, and everything has its place."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from streams.core.activities import KINDS
from streams.core.definition import ProcessDefinition
from streams.core.parse import parse_definition
from streams.core.triggers import TRIGGERS
from tests.bpmn.geometry import local, problems
from tests.bpmn.reading import SPACES, read
from weir.bpmn import bpmn_text, draw
from weir.bpmn.elements import ELEMENTS
from weir.bpmn.starts import STARTS

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
EVERYTHING = HERE / "everything.yaml"
FILES = [
    EVERYTHING,
    *sorted((PROJECT / "definitions").glob("*.yaml")),
    *sorted((PROJECT / "tests/core/seeds").glob("*.yaml")),
    PROJECT / "tests/chaos/definitions.yaml",
]
TEXTS = {
    f"{file.stem}-{number}": text
    for file in FILES
    for number, text in enumerate(re.split(r"(?m)^---\n", file.read_text()))
    if re.search(r"(?m)^id:", text)
}
HEAD = "id: p\nversion: 1\n"
API = HEAD + "trigger: {type: api}\n"
END = "activities:\n  - {id: tell, type: service, action: log, message: m}\n"


def drawn(definition: str | ProcessDefinition) -> str:
    parsed = parse_definition(definition) if isinstance(definition, str) else definition
    return bpmn_text(draw(parsed))


def elements(text: str, tag: str) -> list[Any]:
    return list(etree.fromstring(text.encode()).iterfind(f".//bpmn:{tag}", SPACES))


@pytest.mark.parametrize("name", TEXTS)
def test_another_engine_reads_every_diagram(name: str) -> None:
    definition = parse_definition(TEXTS[name])
    spec = read(drawn(definition))
    assert spec.description == definition.name
    top = {one.id for one in definition.activities if one.type not in ("start", "end")}
    ids = {re.sub(r"^(\d)", r"_\1", one) for one in top}
    assert ids <= {one.removesuffix(" [child]") for one in spec.task_specs}, "it finds every activity from the start"


@pytest.mark.parametrize("name", TEXTS)
def test_everything_has_a_place_of_its_own(name: str) -> None:
    assert list(problems(drawn(TEXTS[name]))) == []


def test_every_kind_of_activity_and_trigger_has_an_element() -> None:
    assert set(ELEMENTS) == set(KINDS)
    assert set(STARTS) == set(TRIGGERS)
    assert {one.type for one in parse_definition(EVERYTHING.read_text()).all_activities()} == set(KINDS)


def test_the_diagram_of_temperature_control_is_the_golden_one() -> None:
    text = drawn((PROJECT / "definitions/temperature-control.yaml").read_text())
    assert text == (HERE / "temperature-control.bpmn").read_text()


def test_the_same_definition_is_the_same_text_however_it_is_spelled() -> None:
    definition = parse_definition(EVERYTHING.read_text())
    again = ProcessDefinition.model_validate(definition.model_dump(mode="json"))
    assert drawn(definition) == drawn(again)


def test_each_kind_is_the_element_that_it_should_be() -> None:
    root = etree.fromstring(drawn(EVERYTHING.read_text()).encode())
    tags = {one.get("id"): local(one) for one in root.iter() if isinstance(one.tag, str)}
    expected = {
        "startEvent": "begin _begin.2 _begin.3",
        "endEvent": "end",
        "exclusiveGateway": "way route _if.stop_pump _if.lit _if.book _merge.both.pump",
        "parallelGateway": "_fork.both",
        "complexGateway": "_join.both",
        "subProcess": "both each w2 undo _undo.book",
        "callActivity": "call",
        "serviceTask": "stop_pump vent close",
        "sendTask": "book",
        "scriptTask": "_2nd tell",
        "businessRuleTask": "table",
        "userTask": "ask",
        "receiveTask": "fan_off",
        "intermediateCatchEvent": "w1 lit _event.w2",
        "intermediateThrowEvent": "flow.each.vent _event.undo",
    }
    assert [(tag, name) for tag, names in expected.items() for name in names.split() if tags.get(name) != tag] == []
    assert Counter(tags.values())["boundaryEvent"] == 10


def test_a_loop_a_call_and_a_compensation_say_what_they_mean() -> None:
    text = drawn(EVERYTHING.read_text())
    (loop,) = elements(text, "multiInstanceLoopCharacteristics")
    assert (loop.get("isSequential"), "".join(loop.itertext()).strip()) == ("false", "size(rooms)")
    assert elements(text, "callActivity")[0].get("calledElement") == "_7th", "the id of that definition's diagram"
    thrown = elements(text, "intermediateThrowEvent/bpmn:compensateEventDefinition")
    assert {one.get("activityRef") for one in thrown} == {"book", None}
    undoing = {
        one.get("id") for one in etree.fromstring(text.encode()).iter() if one.get("isForCompensation") == "true"
    }
    assert undoing == {"close", "_undo.book"} == {one.get("targetRef") for one in elements(text, "association")}
    assert "".join(elements(text, "activationCondition")[0].itertext()) == "activationCount >= 1"
    assert len(elements(text, "terminateEventDefinition")) == 1, "the other branches are cancelled"


def test_what_fails_or_is_late_goes_on_where_the_definition_says() -> None:
    root = etree.fromstring(drawn(EVERYTHING.read_text()).encode())
    border = {one.get("id"): one for one in root.iterfind(".//bpmn:boundaryEvent", SPACES)}
    codes = {one.get("id"): one.get("errorCode") for one in root.iterfind("bpmn:error", SPACES)}
    found = {}
    for flow in root.iterfind(".//bpmn:sequenceFlow", SPACES):
        if (event := border.get(flow.get("sourceRef"))) is not None:
            (about,) = [one for one in event if local(one).endswith("EventDefinition")]
            said = "".join(about.itertext()).strip() or codes.get(about.get("errorRef"))
            found[event.get("attachedToRef"), local(about), said] = flow.get("targetRef")
    assert found == {
        ("both", "timerEventDefinition", "PT1H"): "undo",
        ("both", "errorEventDefinition", "timeout"): "undo",
        ("both", "errorEventDefinition", None): "tell",
        ("w2", "timerEventDefinition", "PT1M"): "_timeout.w2",
        ("fan_off", "timerEventDefinition", "PT5M"): "_timeout.fan_off",
        ("ask", "timerEventDefinition", "P1D"): "tell",
        ("ask", "errorEventDefinition", None): "tell",
        ("undo", "errorEventDefinition", None): "tell",
    }


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("{type: api}", []),
        ("{type: redpanda, topic: heatpump-telemetry}", [("message", "heatpump-telemetry")]),
        (
            "{type: redpanda, topic: heatpump-telemetry, any: [fields.a > 1.0, fields.b > 2.0]}",
            [("conditional", "(fields.a > 1.0) || (fields.b > 2.0)")],
        ),
        ("{type: mqtt, topic: home/+/state}", [("message", "home/+/state")]),
        ("{type: message, name: paid}", [("message", "paid")]),
        ("{type: timer, every: 90m}", [("timer", "R/PT1H30M")]),
        ("{type: timer, cron: '0 6 * * 1-5'}", [("timer", "0 6 * * 1-5")]),
        ("{type: timer, at: ['06:00', '18:30:05']}", [("timer", "0 6 * * *"), ("timer", "5 30 18 * * *")]),
        ("{type: timer, at: '2026-12-24T18:00'}", [("timer", "2026-12-24T18:00:00")]),
        ("{type: zone_entry}", [("signal", "zone_entry")]),
        ("{type: alert_created, config: {severity: high}}", [("signal", "alert_created")]),
        (
            "{type: database, query: SELECT id FROM orders, watermark: id, every: 1m}",
            [("conditional", "SELECT id FROM orders")],
        ),
        (
            "{type: pattern, topic: heatpump-telemetry, condition: fields.a > 1.0, for: 5m}",
            [("conditional", 'type: pattern\ncondition: "fields.a > 1.0"\ntopic: heatpump-telemetry\nfor: 5m')],
        ),
    ],
)
def test_each_trigger_is_a_start_event(trigger: str, expected: list[tuple[str, str]]) -> None:
    text = drawn(f"{HEAD}trigger: {trigger}\n{END}")
    read(text)
    root = etree.fromstring(text.encode())
    shared = {one.get("id"): one.get("name") for one in root if local(one) in ("message", "signal")}
    (start,) = root.iterfind(".//bpmn:startEvent", SPACES)
    found = []
    for one in start:
        if (kind := local(one)).endswith("EventDefinition"):
            kind = kind.removesuffix("EventDefinition")
            found.append((kind, shared.get(one.get(f"{kind}Ref")) or "".join(one.itertext()).strip()))
    assert found == expected


def test_ids_are_ids_of_xml_and_each_stands_for_one_thing() -> None:
    """What has an id of its own in the definition may be called as what is made up, or as the process."""
    text = drawn(
        f"{API}activities:\n  - {{id: p, type: timer, duration: 1m, timeout: 5m}}\n"
        "  - {id: 1, type: timer, duration: 1m}\n".replace("id: 1", "id: '1'")
    )
    read(text)
    assert list(problems(text)) == []
    ids = [one.get("id") for one in etree.fromstring(text.encode()).iter() if one.get("id") is not None]
    assert len(ids) == len(set(ids))
    assert {"p", "_p", "_1"} <= set(ids)


def test_texts_that_xml_cannot_hold_are_told_as_unreadable() -> None:
    text = drawn(EVERYTHING.read_text())
    assert elements(text, "process")[0].get("name") == "Everything <of it> & more"
    assert elements(text, "process/bpmn:documentation")[0].text == "A bell: \N{REPLACEMENT CHARACTER}"
