"""``resolve_alert``: what an alert was about is over."""

from typing import Self

from pydantic import model_validator

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.station import check_one_of
from streams.core.scalars import TextTemplate


class ResolveAlertConfig(ActionConfig):
    """The alert of ``alert_id``, or the one of ``alert_key`` that is not resolved, if there is one.

    ``by`` is who does it, by default the instance; ``note`` what they say to it.
    """

    alert_id: TextTemplate | None = None
    alert_key: TextTemplate | None = None
    by: TextTemplate | None = None
    note: TextTemplate | None = None

    @model_validator(mode="after")
    def _names_one_alert(self) -> Self:
        check_one_of(self, ("alert_id", "alert_key"))
        return self


RESOLVE_ALERT = ActionSpec("resolve_alert", ResolveAlertConfig, inline=False)
