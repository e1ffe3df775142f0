"""What waits for an answer, and what becomes of one that says no."""

from collections.abc import Callable

from streams.core.activities import Node, ServiceNode, SubprocessNode
from streams.core.flow import service, subprocess

ANSWERED = frozenset({"action", "subprocess"})
"""Kinds of wait that end with an answer."""

FAIL: dict[type[Node], Callable[..., None]] = {
    ServiceNode: service.fail,
    SubprocessNode: subprocess.fail,
}
"""(flow, node, wait, token, error type, error, ``retryable``)"""
