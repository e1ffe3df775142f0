"""What the diagram part of a document says, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from lxml import etree

from tests.bpmn.reading import SPACES

Point = tuple[float, float]
LINES = ("sequenceFlow", "association")


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of a shape."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Box") -> bool:
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height

    def holds(self, other: "Box") -> bool:
        across = self.x < other.x and other.x + other.width < self.x + self.width
        return across and self.y < other.y and other.y + other.height < self.y + self.height

    def on_border(self, point: Point) -> bool:
        x, y = point
        across = self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height
        return across and (x in (self.x, self.x + self.width) or y in (self.y, self.y + self.height))

    def crossed(self, one: Point, other: Point) -> bool:
        """By a line that is level or upright, within the border."""
        (left, right), (top, bottom) = (sorted(axis) for axis in zip(one, other, strict=True))
        across = left < self.x + self.width and right > self.x
        return across and top < self.y + self.height and bottom > self.y


def local(element: Any) -> str:
    return etree.QName(element).localname


def problems(text: str) -> Iterator[str]:
    """What is wrong with the places of a document."""
    root = etree.fromstring(text.encode())
    boxes = {one.get("bpmnElement"): _box(one) for one in root.iterfind(".//bpmndi:BPMNShape", SPACES)}
    lines = {one.get("bpmnElement"): _line(one) for one in root.iterfind(".//bpmndi:BPMNEdge", SPACES)}
    levels = [one for one in root.iter() if isinstance(one.tag, str) and local(one) in ("process", "subProcess")]
    drawn = 0
    for level in levels:
        nodes = {one.get("id"): one for one in level if one.get("id") is not None and local(one) not in LINES}
        ways = [one for one in level if local(one) in LINES]
        drawn += len(nodes) + len(ways)
        yield from (f"{name} has no shape" for name in nodes if name not in boxes)
        for one, other in combinations(nodes, 2):
            hosts = {nodes[one].get("attachedToRef"), nodes[other].get("attachedToRef")}
            if boxes[one].overlaps(boxes[other]) and not hosts & {one, other}:
                yield f"{one} and {other} overlap"
        if local(level) == "subProcess":
            yield from (f"{name} is outside" for name in nodes if not boxes[level.get("id")].holds(boxes[name]))
        for way in ways:
            yield from _of_line(way, lines.get(way.get("id"), []), boxes, nodes)
    if drawn != len(boxes) + len(lines):
        yield f"{drawn} elements, but {len(boxes)} shapes and {len(lines)} edges"


def _of_line(way: Any, line: list[Point], boxes: dict[str, Box], nodes: dict[str, Any]) -> Iterator[str]:
    name, source, target = way.get("id"), way.get("sourceRef"), way.get("targetRef")
    if len(line) < 2:
        yield f"{name} has no waypoints"
        return
    if not boxes[source].on_border(line[0]) or not boxes[target].on_border(line[-1]):
        yield f"{name} does not go from {source} to {target}"
    for one, other in pairwise(line):
        if one[0] != other[0] and one[1] != other[1]:
            yield f"{name} is askew"
        beside = nodes[source].get("attachedToRef")  # a line from a border begins within that element
        for node, element in nodes.items():
            leaving = source in {node, element.get("attachedToRef")} or node == beside
            if not leaving and boxes[node].crossed(one, other):
                yield f"{name} crosses {node}"


def _box(shape: Any) -> Box:
    bounds = shape.find("dc:Bounds", SPACES)
    return Box(*(float(bounds.get(name)) for name in ("x", "y", "width", "height")))


def _line(edge: Any) -> list[Point]:
    return [(float(one.get("x")), float(one.get("y"))) for one in edge.iterfind("di:waypoint", SPACES)]
