"""``send_notification``: as ``send_message``, under ``weir/notify/``, with a title and a priority."""

from typing import Any

from streams.actions.base import ActionRequest, Effect, text_of
from streams.actions.channels import TOPIC
from streams.actions.send_message import Letter, effect_of, send
from streams.actions.station import Addressees, StationSide, choice_of, optional_text
from streams.core.actions.send_notification import PRIORITIES


class SendNotification:
    """Config: ``message``; ``user_id``, ``group_id``, ``zone_id`` or ``channel``; ``title``, ``priority`` (low,
    normal, high, urgent; default normal).

    Output: ``recipients`` (user ids), ``channel``, ``message_ids`` and ``time``.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        return await send(self._to, request, _letter(request))

    def dry_run(self, request: ActionRequest) -> Effect:
        return effect_of(_letter(request))


def _letter(request: ActionRequest) -> Letter:
    config = request.config
    return Letter(
        to=Addressees.of(config),
        text=text_of(config, "message"),
        sender=request.definition_id,
        kind="notification",
        title=optional_text(config, "title"),
        topic=TOPIC,
        more={"priority": choice_of(config, "priority", PRIORITIES, "normal")},
    )
