"""``resolve_alert``: an alert that was open or acknowledged is resolved, with the event ``alert_resolved``."""

from dataclasses import replace
from typing import Any

from streams.actions.acknowledge_alert import alert_of, by_of, unchanged, which
from streams.actions.base import ActionRequest, Effect
from streams.actions.station import StationSide, once, optional_text
from streams.station.events import alert_event
from streams.station.tables import Tables


class ResolveAlert:
    """Config: ``alert_id`` or ``alert_key``, ``by``, ``note``.

    Output: ``alert_id`` and ``status`` (null when there is no alert of the key to resolve), and ``changed``: false for
    one that was resolved before.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        now_ms, by = self._to.plant_ms(), by_of(request)

        async def resolve(tables: Tables) -> dict[str, Any]:
            alert = await alert_of(tables, request)
            if alert is None or alert.status == "resolved":
                return unchanged(alert)
            note = optional_text(request.config, "note") or alert.note
            done = replace(alert, status="resolved", resolved_ms=now_ms, resolved_by=by, note=note)
            await tables.put_alert(done)
            await tables.emit([alert_event("alert_resolved", done, by, now_ms, request.idempotency_key)])
            return {"alert_id": done.id, "status": done.status, "changed": True}

        which(request)
        return await once(self._to, request, resolve)

    def dry_run(self, request: ActionRequest) -> Effect:
        return Effect(f"resolves the alert {which(request)}", {"by": by_of(request)})
