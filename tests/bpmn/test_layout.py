"""Graphs of any shape, loops and all, find places that do not get in each other's way."""

from hypothesis import given
from hypothesis import strategies as st

from tests.bpmn.geometry import problems
from weir.bpmn import bpmn_text
from weir.bpmn.layers import arrange
from weir.bpmn.model import Diagram, Element, Event, Flow, Level

TAGS = ("task", "exclusiveGateway", "intermediateThrowEvent", "subProcess")
MOST = 7


@st.composite
def levels(draw: st.DrawFn, prefix: str = "n", deep: int = 1) -> Level:
    """Elements of all sizes, some with events on their borders, and flows between any two."""
    level = Level()
    for number, tag in enumerate(draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=MOST))):
        name = f"{prefix}{number}"
        inner = draw(levels(f"{name}.", deep - 1)) if tag == "subProcess" and deep else None
        level.elements.append(Element(id=name, tag=tag, name=name, inner=inner))
        for at in range(draw(st.integers(0, 4)) if tag in ("task", "subProcess") else 0):
            border = Element(id=f"{name}.b{at}", tag="boundaryEvent", events=(Event("error"),), attached_to=name)
            level.elements.append(border)
    sources = st.sampled_from([one.id for one in level.elements])
    targets = st.sampled_from([one.id for one in level.elements if one.attached_to is None])
    pairs = draw(st.lists(st.tuples(sources, targets), max_size=2 * MOST))
    level.flows += [Flow(f"{prefix}f{number}", *pair) for number, pair in enumerate(pairs)]
    return level


@given(levels())
def test_shapes_do_not_overlap_and_lines_cross_no_shape(level: Level) -> None:
    assert list(problems(bpmn_text(Diagram("p", "p", (), "", level)))) == []


@given(st.data())
def test_edges_run_forward_but_for_those_that_close_a_loop(data: st.DataObject) -> None:
    nodes = [f"n{number}" for number in range(data.draw(st.integers(1, MOST)))]
    node = st.sampled_from(nodes)
    edges = data.draw(st.lists(st.tuples(node, node), max_size=3 * MOST))
    found = arrange(nodes, edges)
    forth = [one for number, one in enumerate(edges) if number not in found.back]
    assert all(found.layer[source] < found.layer[target] for source, target in forth)
    assert sorted(one for column in found.columns for one in column if isinstance(one, str)) == nodes
    for number in found.back:
        source, target = edges[number]
        assert source == target or _leads(target, source, forth), "only what would close a loop is turned"
    for node_ in nodes:
        before = [found.layer[source] for source, target in forth if target == node_]
        assert found.layer[node_] == max(before, default=-1) + 1, "the longest path"


def _leads(source: str, target: str, edges: list[tuple[str, str]]) -> bool:
    reached = [source]
    for one in reached:
        reached += [after for before, after in edges if before == one and after not in reached]
    return target in reached
