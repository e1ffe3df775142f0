"""How actions reach MQTT: one connection a worker, kept up, and the fake that keeps what it is given.

Both obey one contract (``tests/actions/test_contract.py``): ``publish`` returns when the broker has the message, and
raises ``ActionError("unavailable")`` when it could not be reached in time.  A message may arrive twice: MQTT's QoS 1.
"""

import asyncio
from typing import NamedTuple, Protocol

import aiomqtt
import structlog

from streams.actions.base import invalid_config, unavailable
from streams.cancelling import cancel
from streams.mqtt import MqttAddress, Outbox, keep_connected, until_lost
from streams.transport.fatal import Fatal, exit_process

MAX_TOPIC_BYTES = 65_535
MAX_PAYLOAD_BYTES = 1024 * 1024
MAX_TRIES = 3

log = structlog.get_logger("weir.actions.mqtt")


class MqttMessage(NamedTuple):
    """A message to publish; ``payload`` goes out as it is."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Publisher(Protocol):
    """Publishes MQTT messages."""

    async def publish(self, message: MqttMessage, timeout_s: float) -> None:
        """Return when the broker has acknowledged the message (QoS 0: when it is sent).  Raises ``ActionError``."""
        ...


class _Connection(NamedTuple):
    outbox: Outbox
    lost: asyncio.Event


class MqttPublisher:
    """The real one."""

    def __init__(self, address: MqttAddress, client_id: str, fatal: Fatal = exit_process) -> None:
        """``fatal`` ends the process when the broker refuses us: nothing would ever be published."""
        self.address, self._client_id, self._fatal = address, client_id, fatal
        self._connected: asyncio.Future[_Connection] | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect; ``publish`` waits for it."""
        self._connected = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(
            keep_connected(self.address, self._serve, client_id=self._client_id), name="mqtt publisher"
        )
        self._keeping.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Disconnect."""
        if self._keeping is not None:
            await cancel([self._keeping])

    def _ended(self, keeping: "asyncio.Task[None]") -> None:
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            self._fatal("the connection to the MQTT broker has ended for good", error)

    async def publish(self, message: MqttMessage, timeout_s: float) -> None:
        check_message(message)
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(MAX_TRIES):
                    if await self._try(message):
                        return
        except TimeoutError:
            problem = "did not acknowledge the message" if self._is_connected() else "could not be reached"
            raise unavailable(f"The MQTT broker at {self.address} {problem} within {timeout_s:.1f} s") from None
        raise unavailable(
            f"The MQTT broker at {self.address} closed the connection {MAX_TRIES} times when it got the message. "
            f"May this client publish to {message.topic!r:.200}, and {len(message.payload)} bytes?"
        )

    async def _try(self, message: MqttMessage) -> bool:
        """Send once there is a connection; false when that was lost before the acknowledgement."""
        assert self._connected is not None, "Expected the publisher to be started"
        connection = await asyncio.shield(self._connected)
        try:
            await connection.outbox.publish(message.topic, message.payload, message.qos, retain=message.retain)
        except aiomqtt.MqttError:
            await connection.lost.wait()  # paho may know of the loss a moment before aiomqtt does
            return False
        return True

    def _is_connected(self) -> bool:
        return self._connected is not None and self._connected.done()

    async def _serve(self, client: aiomqtt.Client) -> None:
        assert self._connected is not None
        connection = _Connection(Outbox(client), asyncio.Event())
        async with client:
            self._connected.set_result(connection)
            log.info("connected", broker=str(self.address))
            try:
                await until_lost(client)
            finally:
                self._connected = asyncio.get_running_loop().create_future()
                connection.lost.set()
                connection.outbox.lost()


class FakePublisher:
    """Keeps the messages; with ``available`` false, a broker that cannot be reached."""

    def __init__(self) -> None:
        self.messages: list[MqttMessage] = []
        self.available = True

    async def publish(self, message: MqttMessage, timeout_s: float) -> None:
        check_message(message)
        if not self.available:
            await asyncio.sleep(timeout_s)
            raise unavailable("The fake broker could not be reached")
        self.messages.append(message)


def check_message(message: MqttMessage) -> None:
    """Refuse what no broker may take (MQTT 3.1.1, section 4.7.3).  Raises ``ActionError``."""
    topic = message.topic
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_TOPIC_BYTES or any(sign in topic for sign in "+#\0"):
        raise invalid_config(
            f"Expected an MQTT topic (1 to {MAX_TOPIC_BYTES} bytes, no '+', '#' and U+0000), but got {topic!r:.200}"
        )
    if len(message.payload) > MAX_PAYLOAD_BYTES:
        raise invalid_config(f"Expected a payload of at most {MAX_PAYLOAD_BYTES} bytes, but got {len(message.payload)}")
