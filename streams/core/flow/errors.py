"""What becomes of an error: the instance fails."""

from streams.core.activities import Node
from streams.core.flow import ends
from streams.core.flow.flow import Flow


def fail(flow: Flow, node: Node, token: str | None, error_type: str, error: str) -> None:
    """An error of an activity that ``token`` is in."""
    ends.fail(flow.turn, flow.instance, error_type, error, node.id, token)
