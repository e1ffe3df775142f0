"""``notify``: a message to people.  It goes as JSON to the MQTT topic ``weir/notify/<channel>``, with QoS 1.

Whoever brings it to the people (a bot, Home Assistant, Node-RED) subscribes there, and drops what it has seen by the
``idempotency_key``: a message may come twice.
"""

from collections.abc import Callable
from typing import Any

import orjson

from streams.actions.base import ActionRequest, Effect, text_of
from streams.actions.mqtt_publish import SHARE_OF_TIME, effect_of
from streams.actions.publisher import MqttMessage, Publisher
from streams.core.durations import instant_text

TOPIC = "weir/notify/"
DEFAULT_CHANNEL = "alert"


class Notify:
    """Config: ``message``, ``channel`` (default ``alert``), ``title``."""

    def __init__(self, publisher: Publisher, plant_ms: Callable[[], int]) -> None:
        """``plant_ms`` is the plant's time in Unix milliseconds."""
        self._publisher, self._plant_ms = publisher, plant_ms

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        message, channel = self._message(request)
        await self._publisher.publish(message, request.time_left_s * SHARE_OF_TIME)
        return {"channel": channel}

    def dry_run(self, request: ActionRequest) -> Effect:
        return effect_of(self._message(request)[0])

    def _message(self, request: ActionRequest) -> tuple[MqttMessage, str]:
        config = request.config
        channel = text_of(config, "channel", DEFAULT_CHANNEL)
        notice = {
            "channel": channel,
            "title": text_of(config, "title") if config.get("title") is not None else None,
            "message": text_of(config, "message"),
            "instance_id": request.instance_id,
            "definition_id": request.definition_id,
            "activity_id": request.activity_id,
            "idempotency_key": request.idempotency_key,
            "time": instant_text(self._plant_ms()),
        }
        return MqttMessage(TOPIC + channel, orjson.dumps(notice)), channel
