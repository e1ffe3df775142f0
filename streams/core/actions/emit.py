"""``emit``: an event of the process's own on a topic of the plant, for other processes and services."""

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import JsonTemplate, TextTemplate, Topic


class EmitConfig(ActionConfig):
    """``topic`` is one of those under 'telemetry:' in topics.yaml; ``event`` goes out as JSON.

    Events of one ``key`` keep their order; without one it is the instance's id.
    """

    topic: Topic
    event: JsonTemplate
    key: TextTemplate | None = None


EMIT = ActionSpec("emit", EmitConfig, inline=False)
