"""The XML of BPMN 2.0.2 (OMG, formal/2013-12-09): elements in the order that its schema has, then their places."""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from weir.bpmn.elements import CEL
from weir.bpmn.layout import Box, Layout, lay_out
from weir.bpmn.model import Diagram, Element, Event, Level

SPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
SHARED = ("message", "signal", "error")
"""What stands beside the process, and events refer to."""
MARGIN = 40
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def bpmn_text(diagram: Diagram) -> str:
    """The XML of a diagram, in UTF-8 once it is encoded."""
    for prefix, space in SPACES.items():
        ET.register_namespace(prefix, space)
    root = ET.Element(
        _tag("bpmn:definitions"),
        {
            "id": f"_definitions.{diagram.id}",
            "targetNamespace": "urn:weir",
            "expressionLanguage": CEL,
            "exporter": "Weir",
        },
    )
    _Writer(root, diagram).write()
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


class _Writer:
    def __init__(self, root: ET.Element, diagram: Diagram) -> None:
        self._root = root
        self._diagram = diagram
        self._shared: dict[tuple[str, str], str] = {}

    def write(self) -> None:
        for element in _all(self._diagram.level):
            for event in element.events:
                if event.reference is not None:
                    self._share(event.kind, event.reference)
            if element.message is not None:
                self._share("message", element.message)
        for kind in SHARED:
            for (one, name), key in self._shared.items():
                if one == kind:
                    code = {"errorCode": name} if kind == "error" else {}
                    _add(self._root, f"bpmn:{kind}", {"id": key, "name": name, **code})
        diagram = self._diagram
        about = {"id": diagram.id, "name": diagram.name, "isExecutable": "true"}
        process = _add(self._root, "bpmn:process", about)
        _document(process, diagram.notes, diagram.details)
        self._level(process, diagram.level)
        self._places()

    def _share(self, kind: str, name: str) -> None:
        count = sum(one == kind for one, _ in self._shared) + 1
        self._shared.setdefault((kind, name), f"__{kind}s.{count}")

    def _level(self, parent: ET.Element, level: Level) -> None:
        for element in level.elements:
            self._element(parent, element, level)
        for flow in level.flows:
            ends = {"sourceRef": flow.source, "targetRef": flow.target}
            found = _add(parent, "bpmn:sequenceFlow", {"id": flow.id, **_named(flow.name), **ends})
            if flow.condition is not None:
                _expression(found, "conditionExpression", flow.condition)
        for one in level.associations:
            ends = {"sourceRef": one.source, "targetRef": one.target}
            _add(parent, "bpmn:association", {"id": one.id, "associationDirection": "One", **ends})

    def _element(self, parent: ET.Element, element: Element, level: Level) -> None:
        found = _add(parent, f"bpmn:{element.tag}", self._attributes(element))
        _document(found, element.notes, element.details)
        for tag, ids in (
            ("incoming", [one.id for one in level.flows if one.target == element.id]),
            ("outgoing", [one.id for one in level.flows if one.source == element.id]),
        ):
            for flow in ids:
                _add(found, f"bpmn:{tag}", text=flow)
        if element.loop is not None:
            sequential = "true" if element.loop.sequential else "false"
            loop = _add(found, "bpmn:multiInstanceLoopCharacteristics", {"isSequential": sequential})
            _expression(loop, "loopCardinality", element.loop.count)
        if element.inner is not None:
            self._level(found, element.inner)
        for event in element.events:
            self._event(found, event)
        if element.script is not None:
            _add(found, "bpmn:script", text=element.script[1])
        if element.activation is not None:
            _expression(found, "activationCondition", element.activation)

    def _attributes(self, element: Element) -> dict[str, str]:
        attributes = {"id": element.id, **_named(element.name), **element.attributes}
        if element.attached_to is not None:
            attributes["attachedToRef"] = element.attached_to
        if element.message is not None:
            attributes["messageRef"] = self._shared["message", element.message]
        if element.script is not None:
            attributes["scriptFormat"] = element.script[0]
        return attributes

    def _event(self, parent: ET.Element, event: Event) -> None:
        attributes = {}
        if event.reference is not None:
            attributes[f"{event.kind}Ref"] = self._shared[event.kind, event.reference]
        if event.activity is not None:
            attributes["activityRef"] = event.activity
        found = _add(parent, f"bpmn:{event.kind}EventDefinition", attributes)
        if event.detail is not None:
            _expression(found, *event.detail)

    def _places(self) -> None:
        name = self._diagram.id
        diagram = _add(self._root, "bpmndi:BPMNDiagram", {"id": f"_diagram.{name}"})
        plane = _add(diagram, "bpmndi:BPMNPlane", {"id": f"_plane.{name}", "bpmnElement": name})
        layout = Layout()
        layout.add(lay_out(self._diagram.level), MARGIN, MARGIN)
        for element in _all(self._diagram.level):
            expanded = {} if element.inner is None else {"isExpanded": "true"}
            marker = {"isMarkerVisible": "true"} if element.tag == "exclusiveGateway" else {}
            about = {"id": f"__shape.{element.id}", "bpmnElement": element.id, **expanded, **marker}
            _bounds(_add(plane, "bpmndi:BPMNShape", about), layout.boxes[element.id])
        for key, line in layout.lines.items():
            edge = _add(plane, "bpmndi:BPMNEdge", {"id": f"__edge.{key}", "bpmnElement": key})
            for x, y in line:
                _add(edge, "di:waypoint", {"x": str(x), "y": str(y)})


def _all(level: Level) -> Iterable[Element]:
    """Every element, before what it holds."""
    for element in level.elements:
        yield element
        if element.inner is not None:
            yield from _all(element.inner)


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{SPACES[prefix]}}}{local}"


def _add(
    parent: ET.Element, name: str, attributes: dict[str, str] | None = None, text: str | None = None
) -> ET.Element:
    given = {key: _clean(value) for key, value in (attributes or {}).items()}
    found = ET.SubElement(parent, _tag(name), given)
    found.text = None if text is None else _clean(text)
    return found


def _expression(parent: ET.Element, name: str, text: str) -> None:
    found = _add(parent, f"bpmn:{name}", text=text)
    found.set(_tag("xsi:type"), "bpmn:tFormalExpression")


def _document(parent: ET.Element, notes: Iterable[str], details: str | None) -> None:
    for one in notes:
        _add(parent, "bpmn:documentation", text=one)
    if details is not None:
        _add(parent, "bpmn:documentation", {"textFormat": "application/yaml"}, details)


def _bounds(shape: ET.Element, box: Box) -> None:
    place = zip(("x", "y", "width", "height"), map(str, box), strict=True)
    _add(shape, "dc:Bounds", dict(place))


def _named(name: str | None) -> dict[str, str]:
    return {} if name is None else {"name": name}


def _clean(text: str) -> str:
    """XML has no way to write some characters, not even escaped."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
