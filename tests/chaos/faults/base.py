"""What a fault is: something that is done to a site, and undone."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple

from tests.chaos.site import Site

Strike = Callable[[Site, Random], Awaitable[str]]
"""Does it at once, undoes it before it returns, and says in a word to whom."""

ROLES = ("processor", "actions", "projector", "router", "bridge", "station")
"""Each is also the name of the gauge of its work in flight (``tests.chaos.flight``)."""
ANY = ROLES


class Fault(NamedTuple):
    """``stages``: the gauges of the work that it hits; it counts when one of them is not zero."""

    stages: tuple[str, ...]
    strike: Strike
