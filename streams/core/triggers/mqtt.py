"""``mqtt``: a message on an MQTT topic starts the process.

The bridge carries messages into telemetry topics, by the routes of ``redpanda/topics.yaml``; the router reads them
there, and each tells the MQTT topic that it came on.  So such a trigger is one on the telemetry topic whose route
covers its filter, for the messages whose MQTT topic matches.  A message is a reading, as everywhere: a JSON object with
``tags`` and ``fields``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from streams.core.mqtt_filters import carrier, check_filter
from streams.core.triggers.redpanda import ReadingTrigger, TelemetryTrigger


def _filter(text: str) -> str:
    try:
        return check_filter(text)
    except ValueError as error:
        raise PydanticCustomError("mqtt_filter", "{message}", {"message": str(error)}) from None


MqttFilter = Annotated[str, AfterValidator(_filter), Field(description="An MQTT topic, with + and # as wildcards")]


class MqttTrigger(ReadingTrigger):
    """``topic`` is an MQTT topic filter.  The key is by default ``tags.device_id``, else what the route's wildcards
    stand for.
    """

    type: Literal["mqtt"]
    topic: MqttFilter

    def routed(self, routes: Mapping[str, str]) -> str | None:
        return carrier(routes, self.topic)

    def compiled(self, topic: str) -> TelemetryTrigger:
        return replace(super().compiled(topic), mqtt=self.topic)
