"""``user_online``, ``user_offline``, ``user_registered``, ``user_group_changed``: the people of the station."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from streams.core.triggers.station.base import Filter, Names, StationTrigger, Test, any_in, one_of


class UserFilter(Filter):
    """Who; ``group_id``: members of a group."""

    tests: ClassVar[Mapping[str, Test]] = {
        "user_id": one_of("tags.user_id"),
        "group_id": any_in("fields.groups"),
    }

    user_id: Names | None = None
    group_id: Names | None = None


class UserTrigger(StationTrigger):
    """Fields: ``user_name``, ``groups``."""

    config: UserFilter = Field(default_factory=UserFilter)


class UserOnlineTrigger(UserTrigger):
    """A position or a message has come, after none for a while."""

    type: Literal["user_online"]


class UserOfflineTrigger(UserTrigger):
    """None has come for a while (``WEIR_USER_OFFLINE_S``)."""

    type: Literal["user_offline"]


class UserRegisteredTrigger(UserTrigger):
    """The station knows somebody new."""

    type: Literal["user_registered"]


class GroupFilter(Filter):
    """Who came into which group, or left it: ``change`` is ``added`` or ``removed``."""

    tests: ClassVar[Mapping[str, Test]] = {
        "user_id": one_of("tags.user_id"),
        "group_id": one_of("tags.group_id"),
        "change": lambda wanted: one_of("tags.change")([wanted]),
    }

    user_id: Names | None = None
    group_id: Names | None = None
    change: Literal["added", "removed"] | None = None


class UserGroupChangedTrigger(StationTrigger):
    """Fields: ``user_name``, ``groups`` (as they are now)."""

    type: Literal["user_group_changed"]
    config: GroupFilter = Field(default_factory=GroupFilter)
