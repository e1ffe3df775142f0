"""``notify``: a message to people, through a channel."""

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import TextTemplate


class NotifyConfig(ActionConfig):
    """``channel`` names where the message goes: an alert list, a mailing list."""

    message: TextTemplate
    channel: TextTemplate = "alert"
    title: TextTemplate | None = None


NOTIFY = ActionSpec("notify", NotifyConfig, inline=False)
