"""The actions that a service activity may name.  A new one is a file beside these and a line here."""

from streams.core.actions.acknowledge_alert import ACKNOWLEDGE_ALERT
from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.create_alert import CREATE_ALERT
from streams.core.actions.database_execute import DATABASE_EXECUTE
from streams.core.actions.database_log import DATABASE_LOG
from streams.core.actions.database_query import DATABASE_QUERY
from streams.core.actions.emit import EMIT
from streams.core.actions.get_users_in_zone import GET_USERS_IN_ZONE
from streams.core.actions.http_request import HTTP_REQUEST
from streams.core.actions.log import LOG
from streams.core.actions.mqtt_publish import MQTT_PUBLISH
from streams.core.actions.notify import NOTIFY
from streams.core.actions.resolve_alert import RESOLVE_ALERT
from streams.core.actions.script import SCRIPT
from streams.core.actions.send_message import SEND_MESSAGE
from streams.core.actions.send_notification import SEND_NOTIFICATION
from streams.core.actions.trigger_bot_response import TRIGGER_BOT_RESPONSE
from streams.core.actions.update_user_group import UPDATE_USER_GROUP
from streams.core.actions.update_zone import UPDATE_ZONE

ACTIONS: dict[str, ActionSpec] = {
    "mqtt_publish": MQTT_PUBLISH,
    "notify": NOTIFY,
    "http_request": HTTP_REQUEST,
    "script": SCRIPT,
    "database_query": DATABASE_QUERY,
    "database_execute": DATABASE_EXECUTE,
    "emit": EMIT,
    "log": LOG,
    "database_log": DATABASE_LOG,
    "create_alert": CREATE_ALERT,
    "acknowledge_alert": ACKNOWLEDGE_ALERT,
    "resolve_alert": RESOLVE_ALERT,
    "update_zone": UPDATE_ZONE,
    "get_users_in_zone": GET_USERS_IN_ZONE,
    "update_user_group": UPDATE_USER_GROUP,
    "send_message": SEND_MESSAGE,
    "send_notification": SEND_NOTIFICATION,
    "trigger_bot_response": TRIGGER_BOT_RESPONSE,
}

ALIASES: dict[str, str] = {"trigger_bot": "trigger_bot_response"}
"""Other names of an action."""

SHORT = ("emit", "script")
"""Actions that may be written as a type of activity: ``type: emit``."""

__all__ = ["ACTIONS", "ALIASES", "SHORT", "ActionConfig", "ActionSpec"]
