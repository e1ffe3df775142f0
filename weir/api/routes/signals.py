"""Messages for whatever runs for a key."""

from fastapi import APIRouter, Request, Response

from streams.core.commands import Signal
from weir.api.auth import needs
from weir.api.carrying import carry_out, command_route
from weir.api.quick import QuickRoute
from weir.api.routes.process_models import KeySignal
from weir.api.waiting import WaitText

router = APIRouter(route_class=QuickRoute)


@command_route(router, "/signals", dependencies=[needs("processes:execute")])
async def signal_key(body: KeySignal, request: Request, wait: WaitText = None) -> Response:
    """Send a message to whatever runs for a key; when nothing does, it waits with the key for an hour."""
    command = Signal(name=body.name, key=body.key, definition_id=body.definition_id, payload=body.payload)
    return await carry_out(request, command, wait)
