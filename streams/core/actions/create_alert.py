"""``create_alert``: something that people must look at."""

from pydantic import field_validator

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.station import SEVERITIES, check_choice
from streams.core.scalars import JsonTemplate, TextTemplate


class CreateAlertConfig(ActionConfig):
    """``alert_key`` says what the alert is about: while one of that key is not resolved, there is no second.

    ``zone_id``, ``user_id`` and ``data`` (any JSON) tell more, for triggers and for people.
    """

    title: TextTemplate
    message: TextTemplate | None = None
    severity: TextTemplate = "warning"
    alert_key: TextTemplate | None = None
    zone_id: TextTemplate | None = None
    user_id: TextTemplate | None = None
    data: JsonTemplate = None

    @field_validator("severity")
    @classmethod
    def _is_known(cls, severity: str) -> str:
        return check_choice(severity, SEVERITIES, "a severity")


CREATE_ALERT = ActionSpec("create_alert", CreateAlertConfig, inline=False)
