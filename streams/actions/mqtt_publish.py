"""``mqtt_publish``: a message to the plant's MQTT broker, done when the broker has acknowledged it.

A text goes out as it is, any other payload as compact JSON.  The message may come twice, and MQTT 3.1.1 has no place
for the idempotency key beside the payload, which is the user's: let payloads say what shall be (``"cooling": "on"``)
rather than what shall change (``"toggle"``).
"""

from typing import Any

import orjson

from streams.actions.base import ActionRequest, Effect, invalid_config, text_of
from streams.actions.publisher import MqttMessage, Publisher, check_message

SHARE_OF_TIME = 0.9
"""The rest of the time left is for our own answer, which says more than that the time was up."""


class MqttPublish:
    """Config: ``topic``, ``payload``, ``qos`` (0, 1, 2; default 1), ``retain`` (default false)."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        message = message_of(request.config)
        await self._publisher.publish(message, request.time_left_s * SHARE_OF_TIME)
        return {"topic": message.topic, "bytes": len(message.payload)}

    def dry_run(self, request: ActionRequest) -> Effect:
        return effect_of(message_of(request.config))


def effect_of(message: MqttMessage) -> Effect:
    """What sending ``message`` would do.  Raises ``ActionError``."""
    check_message(message)
    details = {
        "topic": message.topic,
        "payload": readable(message.payload),
        "qos": message.qos,
        "retain": message.retain,
    }
    return Effect(f"publishes {len(message.payload)} bytes to the MQTT topic {message.topic}", details)


def readable(payload: bytes | None) -> Any:
    """What goes out, for people: JSON where it is, else text."""
    try:
        return None if payload is None else orjson.loads(payload)
    except orjson.JSONDecodeError:
        assert payload is not None
        return payload.decode(errors="replace")


def message_of(config: dict[str, Any]) -> MqttMessage:
    """The message that ``config`` describes.  Raises ``ActionError``."""
    qos, retain = config.get("qos", 1), config.get("retain", False)
    if qos not in (0, 1, 2) or isinstance(qos, bool):
        raise invalid_config(f"Expected 0, 1 or 2 in config.qos, but got {qos!r:.200}")
    if not isinstance(retain, bool):
        raise invalid_config(f"Expected true or false in config.retain, but got {retain!r:.200}")
    return MqttMessage(text_of(config, "topic"), payload_bytes(config.get("payload")), int(qos), retain)


def payload_bytes(payload: Any) -> bytes:
    """A text as it is, anything else as compact JSON.  Raises ``ActionError``."""
    try:
        return payload.encode() if isinstance(payload, str) else orjson.dumps(payload)
    except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
        raise invalid_config(f"Expected a payload that JSON can hold, but got: {error}") from None
