"""``emit``: an event as JSON on a topic of the plant, done when Kafka has acknowledged it.

It may come twice, with the same header ``idempotency-key``.
"""

from typing import Any

import orjson

from streams.actions.base import ActionRequest, Effect, invalid_config, text_of
from streams.actions.emitter import Emitted, Emitter
from streams.actions.mqtt_publish import SHARE_OF_TIME


class Emit:
    """Config: ``topic``, ``event`` (any JSON), ``key`` (default: the instance's id).

    The output is ``topic``, ``partition`` and ``offset``.
    """

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        event = event_of(request)
        partition, offset = await self._emitter.emit(event, request.time_left_s * SHARE_OF_TIME)
        return {"topic": event.topic, "partition": partition, "offset": offset}

    def dry_run(self, request: ActionRequest) -> Effect:
        event = event_of(request)
        self._emitter.check(event)
        details = {"topic": event.topic, "key": event.key, "event": orjson.loads(event.value)}
        return Effect(f"writes {len(event.value)} bytes to the topic {event.topic}", details)


def event_of(request: ActionRequest) -> Emitted:
    """The record that ``request`` asks for.  Raises ``ActionError``."""
    config = request.config
    try:
        value = orjson.dumps(config.get("event"))
    except orjson.JSONEncodeError as error:
        raise invalid_config(f"Expected an event that JSON can hold, but got: {error}") from None
    return Emitted(
        text_of(config, "topic"),
        text_of(config, "key", request.instance_id),
        value,
        request.idempotency_key,
        request.traceparent,
    )
