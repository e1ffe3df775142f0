"""``update_user_group``: somebody comes into a group, or leaves it."""

from pydantic import field_validator

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.station import check_choice
from streams.core.scalars import TextTemplate

OPERATIONS = ("add", "remove", "set")


class UpdateUserGroupConfig(ActionConfig):
    """``operation``: ``add`` to the group, ``remove`` from it, or ``set`` it as the only one."""

    user_id: TextTemplate
    group_id: TextTemplate
    operation: TextTemplate = "add"

    @field_validator("operation")
    @classmethod
    def _is_known(cls, operation: str) -> str:
        return check_choice(operation, OPERATIONS, "an operation")


UPDATE_USER_GROUP = ActionSpec("update_user_group", UpdateUserGroupConfig, inline=False)
