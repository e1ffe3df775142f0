"""``notify``: a message to people, through a channel."""

from typing import Annotated

from pydantic import Field

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import TextTemplate


class NotifyConfig(ActionConfig):
    """``channel`` is one that the action worker knows; ``title`` is the subject of a mail, ``to`` its recipients."""

    message: TextTemplate
    channel: TextTemplate = "alert"
    title: TextTemplate | None = None
    to: Annotated[list[TextTemplate], Field(min_length=1, max_length=50)] | None = None


NOTIFY = ActionSpec("notify", NotifyConfig, inline=False)
