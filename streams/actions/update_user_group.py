"""``update_user_group``: rows of ``group_members``, each change with the event ``user_group_changed``."""

from dataclasses import replace
from typing import Any

from streams.actions.base import ActionRequest, Effect
from streams.actions.station import StationSide, choice_of, id_of, not_found, once
from streams.core.actions.update_user_group import OPERATIONS
from streams.station.events import StationEvent, user_group_changed
from streams.station.tables import Tables


class UpdateUserGroup:
    """Config: ``user_id``, ``group_id``, ``operation`` (add, remove, set; default add).

    Output: ``user_id``, ``group_id``, ``groups`` as they are then, and ``changed``.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        user_id, group_id, operation = _asked(request)
        now_ms = self._to.plant_ms()

        async def update(tables: Tables) -> dict[str, Any]:
            if await tables.members(group_id) is None:
                raise not_found("group", group_id)
            user = (await tables.users([user_id], change=True)).get(user_id)
            if user is None:
                raise not_found("user", user_id)
            before = set(user.groups)
            after = {"add": before | {group_id}, "remove": before - {group_id}, "set": {group_id}}[operation]
            user = replace(user, groups=tuple(sorted(after)))
            events: list[StationEvent] = []
            for gone in sorted(before - after):
                await tables.quit(gone, user_id)
                events.append(user_group_changed(user, gone, "removed", now_ms, request.idempotency_key))
            for new in sorted(after - before):
                await tables.join(new, user_id, now_ms)
                events.append(user_group_changed(user, new, "added", now_ms, request.idempotency_key))
            await tables.emit(events)
            return {
                "user_id": user_id, "group_id": group_id, "groups": list(user.groups), "changed": before != after,
            }  # fmt: skip

        return await once(self._to, request, update)

    def dry_run(self, request: ActionRequest) -> Effect:
        user_id, group_id, operation = _asked(request)
        does = {"add": "puts {} into", "remove": "takes {} out of", "set": "leaves {} in no other group than"}
        return Effect(f"{does[operation].format(user_id)} {group_id}", {"operation": operation})


def _asked(request: ActionRequest) -> tuple[str, str, str]:
    config = request.config
    return id_of(config, "user_id"), id_of(config, "group_id"), choice_of(config, "operation", OPERATIONS, "add")
