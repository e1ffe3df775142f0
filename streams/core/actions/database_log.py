"""``database_log``: a text for ``process_history.message``."""

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import TextTemplate


class DatabaseLogConfig(ActionConfig):
    """The rendered ``message`` is the event's message, which the projector writes to the database."""

    message: TextTemplate


DATABASE_LOG = ActionSpec("database_log", DatabaseLogConfig, inline=True)
