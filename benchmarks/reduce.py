"""``reduce``: the action of W1, a function that does nothing, as the other systems' workers have it."""

import sys
from typing import Any

from streams import actions as performed
from streams.core import actions as known
from streams.core.actions.base import ActionConfig, ActionSpec

NAME = "reduce"


class ReduceConfig(ActionConfig):
    """Nothing to configure."""


class Reduce:
    """Performs it."""

    async def perform(self, _request: object) -> dict[str, Any]:
        return {"command": NAME}


def register() -> None:
    """Make the action known to the core and to the worker: before anything imports the activities.

    The models of services are made from the registry when they are imported.
    """
    if "streams.core.activities" in sys.modules:
        raise RuntimeError("Expected benchmarks.reduce.register() before streams.core.activities is imported")
    known.ACTIONS[NAME] = ActionSpec(NAME, ReduceConfig, inline=False)
    performed.ACTIONS[NAME] = lambda _connections: Reduce()
