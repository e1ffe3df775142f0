"""amqtt with the promise of MQTT's QoS 1: what a client with a persistent session has not acknowledged comes again.

amqtt 0.12.1 by itself loses such messages in five places, and each has its answer here:

* it forgets the session of an anonymous client a second after the disconnect: ``OpenDoor`` admits everybody, and calls
  nobody anonymous;
* it drops a message that is not acknowledged within five seconds, or before the connection ends: ``Handler`` keeps it
  for the next connection;
* it gives up a message whose delivery begins while the connection ends: the same;
* it takes a client that comes back before its old connection has ended for disconnected as soon as that one ends:
  ``SessionBroker`` ends the old one first;
* it hands out what it kept with the retain flag set, which tells a subscriber "an old value": ``SessionBroker`` does
  not.

Sessions live in memory: a restart of the broker loses them.  Private parts of the pinned version are touched here only.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import amqtt.broker
from amqtt.broker import Broker
from amqtt.mqtt.constants import QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import OutgoingApplicationMessage, Session

TAKE_OVER_TIMEOUT_S = 10.0


class OpenDoor(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped here
    """Admits every client, as the broker listens on the loopback address only; or those with a known password."""

    async def authenticate(self, *, session: Session) -> bool:
        users = self.config.users
        return not users or users.get(session.username) == session.password

    @dataclass
    class Config:
        """``users`` are passwords by name."""

        users: dict[str, str] = field(default_factory=dict)


class Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt is untyped here
    """One connection of a client."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._gone = False

    async def stop(self) -> None:
        self._gone = True
        await super().stop()

    async def mqtt_publish(
        self, topic: str, data: bytes | bytearray, qos: int | None, retain: bool, ack_timeout: int | None = None
    ) -> OutgoingApplicationMessage:
        """Send a message and wait for its acknowledgement, however long.

        The message stays in the session when the connection ends before that.
        """
        session = self.session
        if qos != QOS_1 or session.clean_session:
            return await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
        message = OutgoingApplicationMessage(session.next_packet_id, topic, qos, data, retain)
        acknowledged = asyncio.get_running_loop().create_future()
        session.inflight_out[message.packet_id] = message
        self._puback_waiters[message.packet_id] = acknowledged
        try:
            if not self._gone:
                await self._send_packet(message.build_publish_packet())
            if self._gone:  # ``stop`` cancels the waiters that it finds; this one may have come after it
                acknowledged.cancel()
            message.puback_packet = await acknowledged
        finally:
            del self._puback_waiters[message.packet_id]
            del session.inflight_out[message.packet_id]
            if message.puback_packet is None:
                session.retained_messages.put_nowait(message)
        return message


class SessionBroker(Broker):  # type: ignore[misc]  # amqtt is untyped here
    """The broker; its connections are of the class above."""

    async def _handle_client_session(self, reader: Any, writer: Any, session: Session, *rest: Any) -> None:
        # A session is one object for all its connections: connected means that an earlier one has not ended.
        if session.transitions.is_connected():
            _, old_handler = self._sessions[session.client_id]
            await old_handler.handle_connection_closed()
            async with asyncio.timeout(TAKE_OVER_TIMEOUT_S):
                while session.transitions.is_connected():  # noqa: ASYNC110  amqtt tells nobody
                    await asyncio.sleep(0.01)
        await super()._handle_client_session(reader, writer, session, *rest)

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Send what waited for the client; tasks await the acknowledgements, so that it is served meanwhile."""
        handler = self._get_handler(session)
        while not session.retained_messages.empty():
            message = session.retained_messages.get_nowait()
            publish = handler.mqtt_publish(message.topic, message.data, message.qos, retain=False)
            self._tasks_queue.append(asyncio.ensure_future(publish))


def session_broker(
    host: str,
    port: int,
    users: Mapping[str, str] = MappingProxyType({}),
    tls: tuple[Path, Path] | None = None,
) -> Broker:
    """A broker on that address, to be started in the running event loop.

    ``users`` are passwords by name; ``tls`` are the files of its certificate and its key.
    """
    files = {"ssl": True, "certfile": str(tls[0]), "keyfile": str(tls[1])} if tls is not None else {}
    amqtt.broker.BrokerProtocolHandler = Handler  # amqtt names the class in the middle of its methods
    return SessionBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}", **files}},
            "plugins": {f"{OpenDoor.__module__}.{OpenDoor.__qualname__}": {"users": dict(users)} if users else {}},
            "session_expiry_interval": 86_400,
        }
    )
