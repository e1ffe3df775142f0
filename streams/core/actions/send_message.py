"""``send_message``: a text to people, or into a channel."""

from typing import Self

from pydantic import model_validator

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.station import check_one_of
from streams.core.scalars import TextTemplate

RECIPIENTS = ("user_id", "group_id", "zone_id", "channel")


class Addressed(ActionConfig):
    """To ``user_id``, to everybody in ``group_id`` or ``zone_id``, or into ``channel``."""

    message: TextTemplate
    user_id: TextTemplate | None = None
    group_id: TextTemplate | None = None
    zone_id: TextTemplate | None = None
    channel: TextTemplate | None = None

    @model_validator(mode="after")
    def _has_recipients(self) -> Self:
        check_one_of(self, RECIPIENTS)
        return self


class SendMessageConfig(Addressed):
    """``sender`` is the name that it carries, by default the process's."""

    sender: TextTemplate | None = None


SEND_MESSAGE = ActionSpec("send_message", SendMessageConfig, inline=False)
