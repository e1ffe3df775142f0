"""``acknowledge_alert``: an open alert is acknowledged, with the event ``alert_acknowledged``."""

from dataclasses import replace
from typing import Any

from streams.actions.base import ActionRequest, Effect, invalid_config
from streams.actions.station import StationSide, not_found, once, optional_id, optional_text
from streams.station.events import alert_event
from streams.station.model import Alert
from streams.station.tables import Tables


class AcknowledgeAlert:
    """Config: ``alert_id`` or ``alert_key``, ``by``, ``note``.

    Output: ``alert_id`` and ``status`` (null when no alert of the key is open), and ``changed``: false for one that was
    acknowledged or resolved before.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        now_ms, by = self._to.plant_ms(), by_of(request)

        async def acknowledge(tables: Tables) -> dict[str, Any]:
            alert = await alert_of(tables, request)
            if alert is None or alert.status != "open":
                return unchanged(alert)
            note = optional_text(request.config, "note") or alert.note
            done = replace(alert, status="acknowledged", acknowledged_ms=now_ms, acknowledged_by=by, note=note)
            await tables.put_alert(done)
            await tables.emit([alert_event("alert_acknowledged", done, by, now_ms, request.idempotency_key)])
            return {"alert_id": done.id, "status": done.status, "changed": True}

        which(request)
        return await once(self._to, request, acknowledge)

    def dry_run(self, request: ActionRequest) -> Effect:
        return Effect(f"acknowledges the alert {which(request)}", {"by": by_of(request)})


def which(request: ActionRequest) -> str:
    """The alert's id or key.  Raises ``ActionError`` unless there is one of them."""
    alert_id, key = optional_id(request.config, "alert_id"), optional_id(request.config, "alert_key")
    if (alert_id is None) is (key is None):
        raise invalid_config("Expected config.alert_id or config.alert_key")
    return str(alert_id or key)


def by_of(request: ActionRequest) -> str:
    """Who does it.  Raises ``ActionError``."""
    optional_text(request.config, "note")
    return optional_id(request.config, "by") or request.instance_id


async def alert_of(tables: Tables, request: ActionRequest) -> Alert | None:
    """The alert that the config names; ``None`` when there is none of that key.  Raises ``ActionError``."""
    alert_id, key = optional_id(request.config, "alert_id"), optional_id(request.config, "alert_key")
    if alert_id is None:
        assert key is not None
        return await tables.open_alert(key)
    alert = await tables.alert(alert_id)
    if alert is None:
        raise not_found("alert", alert_id)
    return alert


def unchanged(alert: Alert | None) -> dict[str, Any]:
    """The output when there was nothing to do."""
    return {
        "alert_id": None if alert is None else alert.id,
        "status": None if alert is None else alert.status,
        "changed": False,
    }
