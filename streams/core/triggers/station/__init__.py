"""Triggers on what happens at the station: people and zones, alerts, messages, bots.

Each is a trigger on readings of one topic (``base``), with filters in ``config``, and ``condition``, ``all`` or ``any``
over ``tags`` and ``fields`` besides.  ``streams.station`` writes the events.
"""

from streams.core.triggers.station.alert import AlertAcknowledgedTrigger, AlertCreatedTrigger, AlertResolvedTrigger
from streams.core.triggers.station.base import STATION_TOPIC, StationTrigger
from streams.core.triggers.station.message import BotTriggerFiredTrigger, MessageReceivedTrigger
from streams.core.triggers.station.user import (
    UserGroupChangedTrigger,
    UserOfflineTrigger,
    UserOnlineTrigger,
    UserRegisteredTrigger,
)
from streams.core.triggers.station.zone import ZoneEntryTrigger, ZoneExitTrigger

__all__ = ["STATION_TOPIC", "STATION_TRIGGERS", "StationTrigger"]

STATION_TRIGGERS: dict[str, type[StationTrigger]] = {
    "zone_entry": ZoneEntryTrigger,
    "zone_exit": ZoneExitTrigger,
    "alert_created": AlertCreatedTrigger,
    "alert_acknowledged": AlertAcknowledgedTrigger,
    "alert_resolved": AlertResolvedTrigger,
    "message_received": MessageReceivedTrigger,
    "bot_trigger_fired": BotTriggerFiredTrigger,
    "user_online": UserOnlineTrigger,
    "user_offline": UserOfflineTrigger,
    "user_registered": UserRegisteredTrigger,
    "user_group_changed": UserGroupChangedTrigger,
}
