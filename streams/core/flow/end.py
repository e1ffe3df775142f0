"""``end``: the instance is complete."""

from streams.core.activities import EndNode
from streams.core.flow import ends
from streams.core.flow.flow import WAITS, Flow


def enter(flow: Flow, node: EndNode, _token: str | None) -> str | None:
    """Complete the instance here."""
    ends.complete(flow.turn, flow.instance, node.id)
    return WAITS
