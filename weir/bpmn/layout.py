"""Where everything stands: bounds of elements and the points that flows run through, in pixels.

Columns from left to right are the layers of ``layers``.  Flows leave on the right and come in on the left; between the
columns each has a track of its own, and one that leads back runs below everything.  Events on a border sit on the lower
one, and their flows leave downwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from weir.bpmn.layers import Cell, arrange
from weir.bpmn.model import EVENT, Element, Level

GAP, LABEL, TRACK, PADDING = 40, 24, 12, 30
"""Between elements above each other, for a name below, between lines beside each other, within a sub-process."""
BORDER = EVENT[0] + TRACK
"""The width that an event on a border takes."""
Point = tuple[int, int]


class Box(NamedTuple):
    """The upper left corner, and the size."""

    x: int
    y: int
    width: int
    height: int

    def moved(self, x: int, y: int) -> "Box":
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclass(slots=True)
class Layout:
    """``boxes`` by id of the element, ``lines`` by id of the flow or association; with all that elements hold."""

    boxes: dict[str, Box] = field(default_factory=dict)
    lines: dict[str, list[Point]] = field(default_factory=dict)
    width: int = 0
    height: int = 0

    def add(self, inner: "Layout", x: int, y: int) -> None:
        """Put what an element holds to its place."""
        self.boxes |= {name: box.moved(x, y) for name, box in inner.boxes.items()}
        self.lines |= {name: [(px + x, py + y) for px, py in line] for name, line in inner.lines.items()}


class Edge(NamedTuple):
    """A flow or an association, from and to what stands in columns; ``source`` may be an event on a border."""

    id: str
    source: str
    host: str
    target: str


def lay_out(level: Level) -> Layout:
    """The places of a level, from (0, 0)."""
    return _Layout(level).result()


class _Layout:
    def __init__(self, level: Level) -> None:
        self._elements = {one.id: one for one in level.elements}
        hosts = {one.id: one.attached_to for one in level.elements if one.attached_to is not None}
        self._nodes = [one for one in level.elements if one.id not in hosts]
        self._borders = {one.id: [name for name, host in hosts.items() if host == one.id] for one in self._nodes}
        self._edges = [
            Edge(name, source, hosts.get(source, source), target)
            for name, source, target in [
                *((one.id, one.source, one.target) for one in level.flows),
                *((one.id, one.source, one.target) for one in level.associations),
            ]
        ]
        self._layers = arrange([one.id for one in self._nodes], [(one.host, one.target) for one in self._edges])
        self._inner = {one.id: lay_out(one.inner) for one in self._nodes if one.inner is not None}
        self._found = Layout()
        self._middles: dict[Cell, int] = {}

    def result(self) -> Layout:
        """Rows, columns, then lines: each needs those before it."""
        self._rows()
        self._columns()
        self._place()
        self._route()
        found = self._found
        points = [point for line in found.lines.values() for point in line]
        corners = [(box.x + box.width, box.y + box.height) for box in found.boxes.values()]
        found.width = max((x for x, _ in [*points, *corners]), default=0)
        found.height = max((y for _, y in [*points, *corners]), default=0) + LABEL
        return found

    def _size(self, element: Element) -> tuple[int, int]:
        inner = self._inner.get(element.id)
        width, height = element.size if inner is None else (inner.width + 2 * PADDING, inner.height + 2 * PADDING)
        return max(width, len(self._borders[element.id]) * BORDER + TRACK), height

    def _below(self, element: Element) -> int:
        """The room below an element: its name, or the events on its border with the lines that leave them."""
        events = len(self._borders[element.id])
        if events:
            return EVENT[1] // 2 + TRACK * (events + 1)
        return LABEL if element.tag.endswith(("Event", "Gateway")) else 0

    def _extent(self, cell: Cell) -> tuple[int, int]:
        """How far a cell reaches above and below the middle of its line."""
        if not isinstance(cell, str):
            return TRACK // 2, TRACK // 2
        element = self._elements[cell]
        half = self._size(element)[1] // 2
        return half, half + self._below(element)

    def _rows(self) -> None:
        """Each cell as near to the middle of those before it as those above it let it."""
        before: dict[Cell, list[Cell]] = {}
        for number, edge in enumerate(self._edges):
            if number not in self._layers.back:
                for one, following in pairwise(self._layers.chain(number, edge.host, edge.target)):
                    before.setdefault(following, []).append(one)
        for column in self._layers.columns:
            wanted: list[int] = []
            placed: list[int] = []
            bottom: int | None = None
            for cell in column:
                near = sorted(self._middles[one] for one in before.get(cell, []))
                above, below = self._extent(cell)
                free = None if bottom is None else bottom + GAP + above
                middle = near[len(near) // 2] if near else (free or 0)
                wanted.append(middle)
                placed.append(middle if free is None else max(middle, free))
                bottom = placed[-1] + below
            shift = median_low([want - place for want, place in zip(wanted, placed, strict=True)])
            self._middles |= {cell: place + shift for cell, place in zip(column, placed, strict=True)}
        top = min((middle - self._extent(cell)[0] for cell, middle in self._middles.items()), default=0)
        self._middles = {cell: middle - top for cell, middle in self._middles.items()}

    def _columns(self) -> None:
        """Where columns begin and how wide they are, with a track for each line that turns between two of them."""
        columns = self._layers.columns
        self._turns: list[list[int]] = [[] for _ in range(len(columns) + 1)]
        for number, edge in enumerate(self._edges):
            first, last = self._layers.layer[edge.host], self._layers.layer[edge.target]
            between = {first + 1, last} if number in self._layers.back else range(first + 1, last + 1)
            for at in between:
                self._turns[at].append(number)
        self._left, self._width = [], []
        x = 0
        for at, column in enumerate(columns):
            x += TRACK * (len(self._turns[at]) + 1) + (GAP // 2 if at else 0)
            widths = [self._size(self._elements[cell])[0] for cell in column if isinstance(cell, str)]
            self._left.append(x)
            self._width.append(max(widths, default=0))
            x += self._width[-1]
        self._left.append(x + TRACK * (len(self._turns[-1]) + 1))

    def _place(self) -> None:
        for at, column in enumerate(self._layers.columns):
            for cell in column:
                if isinstance(cell, str):
                    width, height = self._size(self._elements[cell])
                    x = self._left[at] + (self._width[at] - width) // 2
                    self._stand(cell, Box(x, self._middles[cell] - height // 2, width, height))

    def _stand(self, name: str, box: Box) -> None:
        self._found.boxes[name] = box
        for number, event in enumerate(self._borders[name]):
            x = box.x + TRACK + BORDER * number
            self._found.boxes[event] = Box(x, box.y + box.height - EVENT[1] // 2, *EVENT)
        if (inner := self._inner.get(name)) is not None:
            self._found.add(inner, box.x + PADDING, box.y + PADDING)

    def _track(self, at: int, number: int) -> int:
        """Where a line turns in front of column ``at``."""
        return self._left[at] - TRACK * (1 + self._turns[at].index(number))

    def _route(self) -> None:
        lane = max((box.y + box.height for box in self._found.boxes.values()), default=0) + GAP
        for number, edge in enumerate(self._edges):
            first, last = self._layers.layer[edge.host], self._layers.layer[edge.target]
            points = self._leave(edge)
            target = self._found.boxes[edge.target]
            middle = target.y + target.height // 2
            if number in self._layers.back:
                out, back = self._track(first + 1, number), self._track(last, number)
                points += [(out, points[-1][1]), (out, lane), (back, lane), (back, middle)]
                lane += TRACK
            else:
                for at, cell in enumerate(self._layers.chain(number, edge.host, edge.target)[1:], first + 1):
                    x = self._track(at, number)
                    points += [(x, points[-1][1]), (x, self._middles[cell])]
            self._found.lines[edge.id] = _straight([*points, (target.x, middle)])

    def _leave(self, edge: Edge) -> list[Point]:
        """The first points: to the right, or from a border downwards, the events on the left the deepest."""
        box = self._found.boxes[edge.source]
        if edge.source == edge.host:
            return [(box.x + box.width, box.y + box.height // 2)]
        events = self._borders[edge.host]
        depth = TRACK * (len(events) - events.index(edge.source))
        x, y = box.x + box.width // 2, box.y + box.height
        return [(x, y), (x, y + depth)]


def _straight(points: Sequence[Point]) -> list[Point]:
    """Without the points in the middle of a line."""
    kept: list[Point] = []
    for point in points:
        if len(kept) > 1 and any(len({kept[-2][axis], kept[-1][axis], point[axis]}) == 1 for axis in (0, 1)):
            kept.pop()
        if not kept or kept[-1] != point:
            kept.append(point)
    return kept
