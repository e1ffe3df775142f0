"""What the action worker can do: one file an action, and a line here.

``streams.core.actions`` describes the same actions to the core; a test holds the two together.  What several actions
share, such as the connection to MQTT, is in ``Connections``: opened once a worker, with a fake beside the real one.
"""

from collections.abc import Callable

from streams.actions.acknowledge_alert import AcknowledgeAlert
from streams.actions.base import ActionError, ActionRequest, Effect, Performer
from streams.actions.connections import Connections
from streams.actions.create_alert import CreateAlert
from streams.actions.database_execute import DatabaseExecute
from streams.actions.database_query import DatabaseQuery
from streams.actions.emit import Emit
from streams.actions.get_users_in_zone import GetUsersInZone
from streams.actions.http_request import HttpRequest
from streams.actions.mqtt_publish import MqttPublish
from streams.actions.notify import Notify
from streams.actions.resolve_alert import ResolveAlert
from streams.actions.script import RunScript
from streams.actions.send_message import SendMessage
from streams.actions.send_notification import SendNotification
from streams.actions.trigger_bot_response import TriggerBotResponse
from streams.actions.update_user_group import UpdateUserGroup
from streams.actions.update_zone import UpdateZone

__all__ = ["ACTIONS", "ActionError", "ActionRequest", "Connections", "Effect", "Performer", "performers"]

ACTIONS: dict[str, Callable[[Connections], Performer]] = {
    "mqtt_publish": lambda to: MqttPublish(to.mqtt),
    "notify": lambda to: Notify(to.mqtt, to.http, to.mailer, to.channels, to.secrets, to.plant_ms),
    "http_request": lambda to: HttpRequest(to.http),
    "script": lambda to: RunScript(confined=to.confined),
    "emit": lambda to: Emit(to.emitter),
    "database_query": lambda to: DatabaseQuery(to.databases),
    "database_execute": lambda to: DatabaseExecute(to.databases),
    "create_alert": lambda to: CreateAlert(to.of_station),
    "acknowledge_alert": lambda to: AcknowledgeAlert(to.of_station),
    "resolve_alert": lambda to: ResolveAlert(to.of_station),
    "update_zone": lambda to: UpdateZone(to.of_station),
    "get_users_in_zone": lambda to: GetUsersInZone(to.of_station),
    "update_user_group": lambda to: UpdateUserGroup(to.of_station),
    "send_message": lambda to: SendMessage(to.of_station),
    "send_notification": lambda to: SendNotification(to.of_station),
    "trigger_bot_response": lambda to: TriggerBotResponse(to.of_station),
}


def performers(connections: Connections) -> dict[str, Performer]:
    """A performer for each action."""
    return {name: make(connections) for name, make in ACTIONS.items()}
