"""The actions that a service activity may name.  A new one is a file beside these and a line here."""

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.actions.database_execute import DATABASE_EXECUTE
from streams.core.actions.database_log import DATABASE_LOG
from streams.core.actions.database_query import DATABASE_QUERY
from streams.core.actions.http_request import HTTP_REQUEST
from streams.core.actions.log import LOG
from streams.core.actions.mqtt_publish import MQTT_PUBLISH
from streams.core.actions.notify import NOTIFY
from streams.core.actions.script import SCRIPT

ACTIONS: dict[str, ActionSpec] = {
    "mqtt_publish": MQTT_PUBLISH,
    "notify": NOTIFY,
    "http_request": HTTP_REQUEST,
    "script": SCRIPT,
    "database_query": DATABASE_QUERY,
    "database_execute": DATABASE_EXECUTE,
    "log": LOG,
    "database_log": DATABASE_LOG,
}

__all__ = ["ACTIONS", "ActionConfig", "ActionSpec"]
