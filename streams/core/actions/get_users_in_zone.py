"""``get_users_in_zone``: who is there now?"""

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import TextTemplate


class GetUsersInZoneConfig(ActionConfig):
    """All, or the members of ``group_id``; with ``online``, those who have been heard of lately."""

    zone_id: TextTemplate
    group_id: TextTemplate | None = None
    online: bool = False


GET_USERS_IN_ZONE = ActionSpec("get_users_in_zone", GetUsersInZoneConfig, inline=False)
