"""What an extension offers: values for entry points to name.

A retry policy is a function of its own (``streams.core.activities.retry.NamedPolicy``), and so is a timer backend (it
makes a ``streams.timers.TimerBackend``, which ``WEIR_TIMERS`` chooses by name).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from streams.actions import Connections, Performer
from streams.core.actions import ActionSpec
from streams.core.actions.failures import Failure
from streams.core.activities import Kind, Node
from streams.core.step import Enter

NO_FAILURES: Mapping[str, Failure] = {}


class Action(NamedTuple):
    """An action of services: ``spec`` is what the core knows of it, ``performer`` makes what the worker calls.

    ``failures`` are the types of its own errors, by name; those of ``streams.core.actions.failures`` are there already.
    """

    spec: ActionSpec
    performer: Callable[[Connections], Performer]
    failures: Mapping[str, Failure] = NO_FAILURES


class ActivityKind(NamedTuple):
    """A kind of activity: ``kind`` is its model and how that becomes a ``node``, ``enter`` what entering it does.

    ``enter(flow, node, token)`` is pure: it changes state by ``flow``'s events only, reads no clock and no chance, and
    returns the next activity's id.  It stays as it is once released: every replay calls it again.
    """

    kind: Kind
    node: type[Node]
    enter: Enter
