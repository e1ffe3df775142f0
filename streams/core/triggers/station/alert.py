"""``alert_created``, ``alert_acknowledged``, ``alert_resolved``: what becomes of an alert, whoever did it."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from streams.core.triggers.station.base import Filter, Names, StationTrigger, Test, one_of


class AlertFilter(Filter):
    """Which alerts; ``alert_key`` is what an alert is about, as its creator named it."""

    tests: ClassVar[Mapping[str, Test]] = {
        "severity": one_of("tags.severity"),
        "alert_key": one_of("tags.alert_key"),
        "zone_id": one_of("tags.zone_id"),
        "user_id": one_of("tags.user_id"),
    }

    severity: Names | None = None
    alert_key: Names | None = None
    zone_id: Names | None = None
    user_id: Names | None = None


class AlertTrigger(StationTrigger):
    """Fields: ``title``, ``message``, ``status``, ``by``, ``data``."""

    default_key: ClassVar[str] = "tags.alert_id"

    config: AlertFilter = Field(default_factory=AlertFilter)


class AlertCreatedTrigger(AlertTrigger):
    """There is a new alert."""

    type: Literal["alert_created"]


class AlertAcknowledgedTrigger(AlertTrigger):
    """Somebody has taken note of it."""

    type: Literal["alert_acknowledged"]


class AlertResolvedTrigger(AlertTrigger):
    """It is over."""

    type: Literal["alert_resolved"]
