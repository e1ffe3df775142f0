"""The action worker tells what became of a notice by a command of its own."""

from typing import Any

from streams.actions import ActionError
from streams.codec import decode_command, encode_event
from streams.core.clock import PlantClock
from streams.core.commands import RecordNotice
from streams.performing import Performing, decode_requested
from tests.core.plant import START
from tests.core.test_notices import ASK, notices
from tests.core.test_user_tasks import Desk


class Says:
    """A performer that raises, or not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, list[Any]()

    async def perform(self, request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return {"channel": "floor"}


async def answer(performer: Any) -> RecordNotice:
    [event] = notices(Desk(ASK).plant)
    performing = Performing({"notify": performer}, PlantClock(), lambda: START / 1000)
    answer = await performing.answer(decode_requested(encode_event(event)))
    command = decode_command(answer.record)
    assert isinstance(command, RecordNotice)
    assert (command.instance_id, command.notice) == (event.subject, event.seq)
    return command


async def test_a_notice_that_was_sent() -> None:
    performer = Says()
    assert (await answer(performer)).error_type is None
    [request] = performer.asked
    assert request.config["channel"] == "floor"
    assert request.idempotency_key.split(":")[1] == "notice"


async def test_a_notice_that_failed() -> None:
    command = await answer(Says(ActionError("no such mailbox", "smtp")))
    assert (command.error_type, command.error) == ("smtp", "no such mailbox")
