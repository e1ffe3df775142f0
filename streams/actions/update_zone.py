"""``update_zone``: a row of ``zones``; who is inside or outside now because of that comes and goes with an event."""

from dataclasses import replace
from typing import Any

from streams.actions.base import ActionRequest, Effect, invalid_config
from streams.actions.station import StationSide, id_of, not_found, once, optional_id
from streams.station.events import zone_entry, zone_exit
from streams.station.geometry import Circle, Shape, ShapeError, circle, point, polygon
from streams.station.model import Zone
from streams.station.presence import reassess
from streams.station.tables import Tables

MAX_MARGIN_M = 10_000.0


class UpdateZone:
    """Config: ``zone_id``, ``name``, ``lat``, ``lon``, ``radius_m``, ``polygon``, ``margin_m``, ``active``,
    ``metadata``.

    Output: ``zone_id``, ``created``, and how many have ``entered`` and ``left`` by it.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        _check(request)
        now_ms, zone_id, cause = self._to.plant_ms(), id_of(request.config, "zone_id"), request.idempotency_key

        async def update(tables: Tables) -> dict[str, Any]:
            before = await tables.zone(zone_id, change=True)
            zone = _changed(before, request.config)
            await tables.put_zone(zone)
            fixes, inside = await tables.fixes(), await tables.inside(zone_id)
            entered, left = reassess(zone, fixes, inside)
            users = await tables.users([*entered, *left])
            await tables.enter(zone_id, dict.fromkeys(entered, now_ms))
            await tables.leave(zone_id, left)
            at = {user_id: fixes[user_id]._replace(time_ms=now_ms) for user_id in [*entered, *left]}
            came = [zone_entry(users[one], zone, at[one], cause) for one in entered]
            went = [zone_exit(users[one], zone, at[one], inside[one], cause) for one in left]
            await tables.emit([*came, *went])
            return {"zone_id": zone_id, "created": before is None, "entered": len(entered), "left": len(left)}

        return await once(self._to, request, update)

    def dry_run(self, request: ActionRequest) -> Effect:
        _check(request)
        zone_id = id_of(request.config, "zone_id")
        return Effect(f"changes the zone {zone_id}", {k: v for k, v in request.config.items() if k != "zone_id"})


def _check(request: ActionRequest) -> None:
    """Refuse what no zone could become, before anything is asked.  Raises ``ActionError``."""
    anywhere = Zone(id_of(request.config, "zone_id"), "", Circle(point(0, 0), 1.0))
    _changed(anywhere, request.config)


def _changed(zone: Zone | None, config: dict[str, Any]) -> Zone:
    """``zone`` as ``config`` wants it.  Raises ``ActionError``."""
    zone_id = id_of(config, "zone_id")
    try:
        shape = _shape(None if zone is None else zone.shape, config)
    except ShapeError as error:
        raise invalid_config(f"{error} in config of zone {zone_id!r}") from None
    if shape is None:
        raise not_found("zone", zone_id, ", and a new one needs lat, lon and radius_m, or a polygon")
    zone = zone or Zone(zone_id, zone_id, shape)
    margin, active, metadata = config.get("margin_m"), config.get("active"), config.get("metadata")
    if margin is not None and not (_is_number(margin) and 0 <= margin <= MAX_MARGIN_M):
        raise invalid_config(f"Expected 0 to {MAX_MARGIN_M:.0f} in config.margin_m, but got {margin!r:.200}")
    if active is not None and not isinstance(active, bool):
        raise invalid_config(f"Expected true or false in config.active, but got {active!r:.200}")
    if metadata is not None and not isinstance(metadata, dict):
        raise invalid_config(f"Expected an object in config.metadata, but got {metadata!r:.200}")
    return replace(
        zone,
        name=optional_id(config, "name") or zone.name,
        shape=shape,
        margin_m=zone.margin_m if margin is None else float(margin),
        active=zone.active if active is None else active,
        metadata={**zone.metadata, **(metadata or {})},
    )


def _shape(before: Shape | None, config: dict[str, Any]) -> Shape | None:
    """Raises ``ShapeError``, ``ActionError``."""
    corners = config.get("polygon")
    if corners is not None:
        if not isinstance(corners, list) or not all(isinstance(one, dict) for one in corners):
            raise invalid_config(f"Expected a list of {{lat, lon}} in config.polygon, but got {corners!r:.200}")
        return polygon([point(one.get("lat"), one.get("lon")) for one in corners])
    given = {name: config[name] for name in ("lat", "lon", "radius_m") if config.get(name) is not None}
    if not given:
        return before
    known = before if isinstance(before, Circle) else None
    centre = known.centre if known is not None and "lat" not in given else point(given.get("lat"), given.get("lon"))
    return circle(centre, given.get("radius_m", None if known is None else known.radius_m))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
