"""The station's alerts.  Times are plant time."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from projections.statements import Parameters

_COLUMNS = (
    "id, key, severity, status, title, message, zone_id, user_id, data::text, created_at, created_by, "
    "acknowledged_at, acknowledged_by, resolved_at, resolved_by, note"
)
_ALERT = f"SELECT {_COLUMNS} FROM alerts WHERE id = $1"  # noqa: S608  the columns are constants


class StationAlert(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is what it is about: one alert a key is not resolved."""

    id: str
    key: str | None
    severity: str
    status: str
    title: str
    message: str | None
    zone_id: str | None
    user_id: str | None
    data: Any
    created_at: datetime
    created_by: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


class AlertPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where an alert stands among all: what comes behind it is older."""

    created_at: datetime
    id: str

    @classmethod
    def of(cls, alert: StationAlert) -> "AlertPlace":
        """The alert's."""
        return cls(alert.created_at, alert.id)


async def station_alerts(
    connection: asyncpg.Connection,
    *,
    status: str | None = None,
    severity: str | None = None,
    key: str | None = None,
    before: AlertPlace | None = None,
    limit: int = 50,
) -> list[StationAlert]:
    """Alerts, the newest first."""
    parameter = Parameters()
    found = (("status", status), ("severity", severity), ("key", key))
    conditions = [f"{column} = {parameter(value)}" for column, value in found if value is not None]
    if before is not None:
        conditions.append(f"(created_at, id) < ({parameter(before.created_at)}, {parameter(before.id)})")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM alerts {where} "  # noqa: S608  columns and parameters
        f"ORDER BY created_at DESC, id DESC LIMIT {parameter(limit)}",
        *parameter.values,
    )
    return [_alert(row) for row in rows]


async def station_alert(connection: asyncpg.Connection, alert_id: str) -> StationAlert | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(_ALERT, alert_id)
    return None if row is None else _alert(row)


def _alert(row: asyncpg.Record) -> StationAlert:
    data = row["data"]
    return StationAlert(**{**row, "data": None if data is None else msgspec.json.decode(data)})
