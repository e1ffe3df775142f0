"""``mqtt_publish``: a message to the plant's MQTT broker."""

from typing import Literal

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import SecretJson, TextTemplate


class MqttPublishConfig(ActionConfig):
    """``payload`` goes out as JSON, or as it is when it renders to a text."""

    topic: TextTemplate
    payload: SecretJson
    qos: Literal[0, 1, 2] = 1
    retain: bool = False

    @field_validator("topic")
    @classmethod
    def _names_one_topic(cls, topic: str) -> str:
        literal = topic.partition("${")[0]
        if not topic or "+" in literal or "#" in literal:
            raise PydanticCustomError(
                "mqtt_topic",
                "Expected an MQTT topic to publish to, without '+' and '#', but got {topic}",
                {"topic": repr(topic)},
            )
        return topic


MQTT_PUBLISH = ActionSpec("mqtt_publish", MqttPublishConfig, inline=False)
