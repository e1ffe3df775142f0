"""What the action worker can do: one file an action, and a line here.

``streams.core.actions`` describes the same actions to the core; a test holds the two together.  What several actions
share, such as the connection to MQTT, is in ``Connections``: opened once a worker, with a fake beside the real one.
"""

from collections.abc import Callable

from streams.actions.base import ActionError, ActionRequest, Effect, Performer
from streams.actions.connections import Connections
from streams.actions.database_execute import DatabaseExecute
from streams.actions.database_query import DatabaseQuery
from streams.actions.http_request import HttpRequest
from streams.actions.mqtt_publish import MqttPublish
from streams.actions.notify import Notify
from streams.actions.script import RunScript

__all__ = ["ACTIONS", "ActionError", "ActionRequest", "Connections", "Effect", "Performer", "performers"]


ACTIONS: dict[str, Callable[[Connections], Performer]] = {
    "mqtt_publish": lambda to: MqttPublish(to.mqtt),
    "notify": lambda to: Notify(to.mqtt, to.http, to.mailer, to.channels, to.secrets, to.plant_ms),
    "http_request": lambda to: HttpRequest(to.http),
    "script": lambda to: RunScript(confined=to.confined),
    "database_query": lambda to: DatabaseQuery(to.databases),
    "database_execute": lambda to: DatabaseExecute(to.databases),
}


def performers(connections: Connections) -> dict[str, Performer]:
    """A performer for each action."""
    return {name: make(connections) for name, make in ACTIONS.items()}
