"""Bugs to plant into a role, each of which the judge must find: ``python -m tests.chaos.plants NAME ROLE`` is the role.

Each is one of those that only the two ends of the whole path show, what the world has sent and what it has seen.  What
the log shows by itself is planted in ``tests/verify`` and in the simulation.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from streams.actions.base import ActionError, ActionRequest
from streams.actions.mqtt_publish import MqttPublish
from streams.actions.notify import Notify
from streams.bridging import Bridge
from streams.mqtt import Acknowledge
from streams.transport.kafka_writer import KafkaWriter
from weir.role import main as role_main


def _acknowledge_early() -> None:
    """The bridge acknowledges to the MQTT broker before Kafka has acknowledged."""
    deliver = Bridge._deliver

    def planted(self: Bridge, message: Any, acknowledge: Acknowledge) -> None:
        acknowledge()
        deliver(self, message, lambda: None)

    Bridge._deliver = planted  # type: ignore[method-assign]


def _swallow_error() -> None:
    """The action worker calls an action done that has raised."""
    perform = MqttPublish.perform

    async def planted(self: MqttPublish, request: ActionRequest) -> dict[str, Any]:
        try:
            return await perform(self, request)
        except ActionError:
            return {}

    MqttPublish.perform = planted  # type: ignore[method-assign]


def _pretend() -> None:
    """The action worker answers without having done anything, once in eight times."""
    perform = Notify.perform

    async def planted(self: Notify, request: ActionRequest) -> dict[str, Any]:
        if request.instance_id[-1] in "01":
            return {}
        return await perform(self, request)

    Notify.perform = planted  # type: ignore[method-assign]


def _forget_position() -> None:
    """The router commits its commands without the position in the telemetry behind them."""
    transact = KafkaWriter.transact

    async def planted(self: KafkaWriter, outputs: Any, _offsets: Any) -> Any:
        return await transact(self, outputs, {})

    KafkaWriter.transact = planted  # type: ignore[method-assign]


class Plant(NamedTuple):
    """``found_by``: the kind of difference, and a part of its message."""

    role: str
    apply: Callable[[], None]
    found_by: tuple[str, str]


PLANTS: dict[str, Plant] = {
    "acknowledge-early": Plant("bridge", _acknowledge_early, ("bridge", "Kafka never got it")),
    "swallow-error": Plant("actions", _swallow_error, ("effect", "expected mqtt_publish to be performed")),
    "pretend": Plant("actions", _pretend, ("effect", "expected notify to be performed")),
    "forget-position": Plant("router", _forget_position, ("reading", "expected one of hot, but the log has 2")),
}


if __name__ == "__main__":
    for name in sys.argv[1].split(","):
        PLANTS[name].apply()
    sys.exit(role_main(sys.argv[2:]))
