"""A command for each thing that people do: 202 when Kafka has it, or with ``?wait=`` what became of it."""

from fastapi import Request, Response

from streams.core.commands import TopicCommand
from weir.api.quick import answer
from weir.api.refusals import FIX, accepted
from weir.api.sending import sender_of
from weir.api.waiting import wait_of


async def carry_out(request: Request, command: TopicCommand, wait: str | None, fix: str = FIX) -> Response:
    """202 ``Sent``, or 200 ``Done``.  ``command`` has an id.  Raises ``ProblemError`` that says why it was refused."""
    waits = wait_of(wait)
    if waits.until == "nothing":
        await sender_of(request).send(command)
        return answer({"command_id": command.id}, 202)
    outcome = accepted(await sender_of(request).send_and_wait(command, waits.seconds), fix)
    return answer({"command_id": command.id, "events": [event.type for event in outcome.events]})
