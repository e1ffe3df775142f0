"""Which column and which row: the layered drawing of directed graphs.

The steps are those of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures"
(IEEE Transactions on Systems, Man, and Cybernetics, 1981): turn the edges that close a loop, give each node the length
of the longest path to it as its layer, break edges over several layers into steps, and order each layer by the mean
position of the neighbours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

SWEEPS = 8

Step = tuple[int, int]
"""A place that a long edge passes on its way: the number of the edge, and the layer."""
Cell = str | Step


@dataclass(frozen=True, slots=True)
class Layers:
    """``columns`` hold nodes and steps, from top to bottom; ``back`` are the numbers of edges that close a loop."""

    columns: list[list[Cell]]
    layer: dict[str, int]
    back: frozenset[int]

    def chain(self, number: int, source: str, target: str) -> list[Cell]:
        """The cells that an edge, which closes no loop, runs through."""
        between = range(self.layer[source] + 1, self.layer[target])
        return [source, *((number, at) for at in between), target]


def arrange(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layers:
    """Layers of a graph: the same for the same order of ``nodes`` and ``edges``."""
    back = _closing(nodes, edges)
    layer = _longest(nodes, [one for number, one in enumerate(edges) if number not in back])
    columns: list[list[Cell]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        columns[layer[node]].append(node)
    found = Layers(columns, layer, back)
    links: list[tuple[Cell, Cell]] = []
    for number, (source, target) in enumerate(edges):
        if number not in back:
            chain = found.chain(number, source, target)
            for at, one in enumerate(chain[1:-1], layer[source] + 1):
                columns[at].append(one)
            links += pairwise(chain)
    _order(columns, links)
    return found


def _closing(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> frozenset[int]:
    """The edges that lead back to where a walk, depth first, has come from."""
    leaving: dict[str, list[int]] = {node: [] for node in nodes}
    for number, (source, _) in enumerate(edges):
        leaving[source].append(number)
    back: set[int] = set()
    seen: set[str] = set()
    for root in nodes:
        if root in seen:
            continue
        seen.add(root)
        walked = {root}
        walk = [(root, iter(leaving[root]))]
        while walk:
            node, ways = walk[-1]
            way = next(ways, None)
            if way is None:
                walked.discard(node)
                walk.pop()
            elif (target := edges[way][1]) in walked:
                back.add(way)
            elif target not in seen:
                seen.add(target)
                walked.add(target)
                walk.append((target, iter(leaving[target])))
    return frozenset(back)


def _longest(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The length of the longest path to each node; ``edges`` close no loop."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    open_ways = dict.fromkeys(nodes, 0)
    for source, target in edges:
        after[source].append(target)
        open_ways[target] += 1
    layer = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not open_ways[node]]
    for node in ready:
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            open_ways[target] -= 1
            if not open_ways[target]:
                ready.append(target)
    return layer


def _order(columns: list[list[Cell]], links: Iterable[tuple[Cell, Cell]]) -> None:
    """To and fro, each layer by the mean position of its neighbours in the one before."""
    before: dict[Cell, list[Cell]] = {cell: [] for column in columns for cell in column}
    after: dict[Cell, list[Cell]] = {cell: [] for column in columns for cell in column}
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for at in range(1, len(columns)):
            _by_neighbours(
                columns[at if forth else -1 - at], columns[at - 1 if forth else -at], before if forth else after
            )


def _by_neighbours(column: list[Cell], beside: Sequence[Cell], neighbours: Mapping[Cell, list[Cell]]) -> None:
    place = {cell: at for at, cell in enumerate(beside)}
    own = {cell: at for at, cell in enumerate(column)}
    column.sort(key=lambda cell: fmean([place[one] for one in neighbours[cell]] or [own[cell]]))
