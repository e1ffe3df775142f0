"""``trigger_bot_response`` (also ``trigger_bot``): a bot says what it knows."""

from typing import Self

from pydantic import model_validator

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.send_message import RECIPIENTS
from streams.core.actions.station import check_one_of
from streams.core.scalars import TextTemplate


class TriggerBotResponseConfig(ActionConfig):
    """``trigger`` is the one of the bot's that is set off; ``message`` is said in place of its response.

    To ``user_id``, to everybody in ``group_id`` or ``zone_id``, or into ``channel``.
    """

    bot_id: TextTemplate
    trigger: TextTemplate
    message: TextTemplate | None = None
    user_id: TextTemplate | None = None
    group_id: TextTemplate | None = None
    zone_id: TextTemplate | None = None
    channel: TextTemplate | None = None

    @model_validator(mode="after")
    def _has_recipients(self) -> Self:
        check_one_of(self, RECIPIENTS)
        return self


TRIGGER_BOT_RESPONSE = ActionSpec("trigger_bot_response", TriggerBotResponseConfig, inline=False)
