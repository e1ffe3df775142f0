"""``create_alert``: a row of ``alerts``, and the event ``alert_created``."""

from typing import Any, cast

from streams.actions.base import ActionRequest, Effect, text_of
from streams.actions.station import StationSide, choice_of, once, optional_id, optional_text
from streams.core.actions.station import SEVERITIES
from streams.station.events import alert_event, stable_id
from streams.station.model import Alert, Severity
from streams.station.tables import Tables


class CreateAlert:
    """Config: ``title``, ``message``, ``severity`` (info, warning, error, critical; default warning), ``alert_key``,
    ``zone_id``, ``user_id``, ``data``.

    Output: ``alert_id``, ``status``, and ``created``: false when there was one of the key already.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        alert = _alert(request, self._to.plant_ms())

        async def create(tables: Tables) -> dict[str, Any]:
            standing = None if alert.key is None else await tables.open_alert(alert.key)
            if standing is None:
                await tables.put_alert(alert)
                event = alert_event("alert_created", alert, alert.created_by, alert.created_ms, request.idempotency_key)
                await tables.emit([event])
            there = standing or alert
            return {"alert_id": there.id, "status": there.status, "created": standing is None}

        return await once(self._to, request, create)

    def dry_run(self, request: ActionRequest) -> Effect:
        alert = _alert(request, self._to.plant_ms())
        about = "" if alert.key is None else f" about {alert.key}, unless there is one"
        details = {"severity": alert.severity, "title": alert.title, "message": alert.message, "data": alert.data}
        return Effect(f"creates an alert{about}", details)


def _alert(request: ActionRequest, now_ms: int) -> Alert:
    config = request.config
    return Alert(
        id=stable_id(request.idempotency_key, "alert"),
        key=optional_id(config, "alert_key"),
        severity=cast(Severity, choice_of(config, "severity", SEVERITIES, "warning")),
        title=text_of(config, "title"),
        message=optional_text(config, "message"),
        zone_id=optional_id(config, "zone_id"),
        user_id=optional_id(config, "user_id"),
        data=config.get("data"),
        created_ms=now_ms,
        created_by=request.instance_id,
    )
