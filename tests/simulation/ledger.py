"""What the world saw of actions: each performance, by whom it was asked for."""

from collections.abc import Mapping
from typing import Any

import orjson

from streams.actions import ActionRequest, Performer
from weir.verify.sent import Effect, Ledger


class _Recorded:
    """A performer whose every success is noted."""

    def __init__(self, performer: Performer, ledger: Ledger) -> None:
        self._performer, self._ledger = performer, ledger

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        output = await self._performer.perform(request)
        self._ledger.effects.append(Effect(request.idempotency_key, orjson.dumps(request.config)))
        return output


def recorded(performers: Mapping[str, Performer], ledger: Ledger) -> dict[str, Performer]:
    """The same performers, with their work in ``ledger``."""
    return {name: _Recorded(performer, ledger) for name, performer in performers.items()}
