"""``resolve_alert``: what an alert was about is over."""

from streams.core.actions.base import ActionSpec
from streams.core.actions.station import OneAlert


class ResolveAlertConfig(OneAlert):
    """The alert to resolve."""


RESOLVE_ALERT = ActionSpec("resolve_alert", ResolveAlertConfig, inline=False)
