"""What an answer does, by the kind of activity that waits for it."""

from collections.abc import Callable

from streams.core.activities import Node, ServiceNode, SubprocessNode
from streams.core.flow import service, subprocess

ANSWERED = frozenset({"action", "subprocess"})
"""Kinds of wait that end with an answer."""

COMPLETE: dict[type[Node], Callable[..., None]] = {
    ServiceNode: service.complete,
    SubprocessNode: subprocess.complete,
}
"""(flow, node, execution, output, token)"""

FAIL: dict[type[Node], Callable[..., None]] = {
    ServiceNode: service.fail,
    SubprocessNode: subprocess.fail,
}
"""(flow, node, wait, token, error type, error, ``retryable``)"""
