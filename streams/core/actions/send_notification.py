"""``send_notification``: a message that asks for attention."""

from pydantic import field_validator

from streams.core.actions.base import ActionSpec
from streams.core.actions.send_message import Addressed
from streams.core.actions.station import check_choice
from streams.core.scalars import TextTemplate

PRIORITIES = ("low", "normal", "high", "urgent")


class SendNotificationConfig(Addressed):
    """``title`` stands above the text; ``priority`` is low, normal, high or urgent."""

    title: TextTemplate | None = None
    priority: TextTemplate = "normal"

    @field_validator("priority")
    @classmethod
    def _is_known(cls, priority: str) -> str:
        return check_choice(priority, PRIORITIES, "a priority")


SEND_NOTIFICATION = ActionSpec("send_notification", SendNotificationConfig, inline=False)
