"""``start``: goes on at once, without an event of its own."""

from streams.core.activities import StartNode
from streams.core.flow.flow import Flow


def enter(_flow: Flow, node: StartNode, _token: str | None) -> str | None:
    """Go on."""
    return node.next
