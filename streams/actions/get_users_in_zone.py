"""``get_users_in_zone``: who ``zone_members`` has in a zone."""

from typing import Any

from streams.actions.base import ActionRequest, Effect, invalid_config
from streams.actions.station import MAX_RECIPIENTS, StationSide, id_of, look, not_found, optional_id
from streams.core.durations import instant_text
from streams.station.tables import Tables


class GetUsersInZone:
    """Config: ``zone_id``, ``group_id``, ``online`` (default false).

    Output: ``count``, ``user_ids`` and ``users`` (``user_id``, ``name``, ``groups``, ``since``), by id; of more than
    400 the first.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        zone_id, group_id, online = _asked(request)

        async def ask(tables: Tables) -> dict[str, Any]:
            if await tables.zone(zone_id) is None:
                raise not_found("zone", zone_id)
            since = await tables.inside(zone_id)
            users = [
                user
                for user in (await tables.users(sorted(since))).values()
                if (group_id is None or group_id in user.groups) and (user.online or not online)
            ]
            shown = users[:MAX_RECIPIENTS]
            return {
                "zone_id": zone_id,
                "count": len(users),
                "user_ids": [user.id for user in shown],
                "users": [
                    {"user_id": u.id, "name": u.name, "groups": list(u.groups), "since": instant_text(since[u.id])}
                    for u in shown
                ],
            }

        return await look(self._to, request, ask)

    def dry_run(self, request: ActionRequest) -> Effect:
        zone_id, group_id, online = _asked(request)
        return Effect(f"asks who is in the zone {zone_id}", {"group_id": group_id, "online": online})


def _asked(request: ActionRequest) -> tuple[str, str | None, bool]:
    online = request.config.get("online", False)
    if not isinstance(online, bool):
        raise invalid_config(f"Expected true or false in config.online, but got {online!r:.200}")
    return id_of(request.config, "zone_id"), optional_id(request.config, "group_id"), online
