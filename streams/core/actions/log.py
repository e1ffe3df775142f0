"""``log``: a line in the history of the instance, with a level."""

from typing import Literal

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import TextTemplate


class LogConfig(ActionConfig):
    """The rendered ``message`` is the event's message."""

    message: TextTemplate
    level: Literal["debug", "info", "warning", "error"] = "info"


LOG = ActionSpec("log", LogConfig, inline=True)
