"""The end of a branch, and of the activity that owns it: by the kind of scope."""

from collections.abc import Callable

from streams.core.flow import compensate, foreach, parallel
from streams.core.flow.flow import Flow
from streams.core.places import scope_of

ENDED: dict[str, Callable[[Flow, str], None]] = {
    "parallel": parallel.branch_ended,
    "foreach": foreach.item_ended,
    "compensate": compensate.one_ended,
}
"""By ``Scope.kind``: (flow, the branch's token)."""


def ended(flow: Flow, token: str) -> None:
    """A branch has come to the end of its body."""
    ENDED[flow.instance.scopes[scope_of(token)[0]].kind](flow, token)
