"""``acknowledge_alert``: somebody has taken note of an alert."""

from streams.core.actions.base import ActionSpec
from streams.core.actions.station import OneAlert


class AcknowledgeAlertConfig(OneAlert):
    """The alert to acknowledge."""


ACKNOWLEDGE_ALERT = ActionSpec("acknowledge_alert", AcknowledgeAlertConfig, inline=False)
