"""MQTT connections that are kept up: one way to connect for the bridge and for the actions.

    MqttAddress      where the broker is, from the settings; its text form never shows the password
    keep_connected   runs a function on one connection after another, with backoff, loudly; a refusal ends it
    take_delivery    messages in, acknowledged by hand: the broker keeps a message until we have put it away
    Outbox           messages out, each with a future that the broker's acknowledgement ends

aiomqtt (over paho) joins the protocol to asyncio.  It has no acknowledgement by hand, makes a task for each message it
hands out, and waits out a timeout for a publish whose connection is lost.  So messages pass it by, to and from the
paho client inside; ``paho_client`` alone reaches through.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import unquote, urlsplit

import aiomqtt
import paho.mqtt.client as paho
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from streams.refused import MqttUrlError, RefusedError
from streams.settings import Settings
from streams.tls import PROBE_S, TlsFiles, speaks_tls, tls_problem

T = TypeVar("T")
KEEPALIVE_S = 15
CONNECT_TIMEOUT_S = 10.0
FIRST_BACKOFF_S = 0.1
LAST_BACKOFF_S = 10.0
MAX_IN_FLIGHT = 1000
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PLAIN_CONNECT = b"\x10\x16\x00\x04MQTT\x04\x02\x00\x0f\x00\x0aweir-probe"
"""A clean session without a password (MQTT 3.1.1, section 3.1)."""
_CONNACK = b"\x20"
NO_FILES = TlsFiles("WEIR_MQTT_SSL")

log = structlog.get_logger("weir.mqtt")


class MqttClient(aiomqtt.Client):
    """Knows whether it was connected, and loses no cancellation while it waits for an answer: ``asyncio.wait_for`` of
    Python 3.11, which aiomqtt uses, returns an answer that comes together with a cancellation, and the task goes on for
    ever.
    """

    was_connected = False

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.was_connected = True
        return self

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109  aiomqtt's own
        seconds = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """A broker, and who we are to it."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    files: TlsFiles = NO_FILES

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    @classmethod
    def of(cls, settings: Settings) -> "MqttAddress":
        """The broker of the settings.  Raises ``MqttUrlError``."""
        return replace(cls.parse(settings.mqtt_url), files=settings.mqtt_tls)

    @classmethod
    def parse(cls, url: str) -> "MqttAddress":
        """``mqtt://[user[:password]@]host[:port]``, or ``mqtts://`` for TLS.  Raises ``MqttUrlError``."""
        expected = "Expected WEIR_MQTT_URL as mqtt://[user[:password]@]host[:port] (mqtts:// for TLS), but got"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise MqttUrlError(f"{expected} a port that is none") from None
        if parts.scheme not in DEFAULT_PORTS:
            raise MqttUrlError(f"{expected} the scheme {parts.scheme!r}")
        if not parts.hostname:
            raise MqttUrlError(f"{expected} no host")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise MqttUrlError(f"{expected} something after the port")
        return cls(
            host=parts.hostname,
            port=port or DEFAULT_PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )

    def client(self, **options: Any) -> MqttClient:
        """A client of the broker; ``options`` are further ones of ``aiomqtt.Client``.  Raises ``TlsError``."""
        return MqttClient(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            tls_context=self.files.context() if self.tls else None,
            **options,
        )

    async def refusal(self, error: BaseException) -> str | None:
        """Why the broker does not let us in, naming the setting; ``None`` when ``error`` is of another kind."""
        if (problem := tls_problem(error)) is not None:
            ours = "our certificate" in problem or "of us" in problem
            setting = "WEIR_MQTT_SSL_CERTFILE and WEIR_MQTT_SSL_KEYFILE" if ours else "WEIR_MQTT_SSL_CAFILE"
            setting = "WEIR_MQTT_URL" if "speak TLS" in problem else f"{setting} and WEIR_MQTT_URL"
            return f"The MQTT broker at {self} refuses us: {problem}, check {setting}"
        if isinstance(error, aiomqtt.MqttCodeError) and _is_unauthorized(error.rc):
            return f"The MQTT broker at {self} refuses us: check user and password in WEIR_MQTT_URL"
        if self.tls and await _speaks_plainly(self.host, self.port):
            return f"The MQTT broker at {self} refuses us: it does not speak TLS there, check WEIR_MQTT_URL"
        if not self.tls and await speaks_tls(self.host, self.port):
            return f"The MQTT broker at {self} refuses us: it speaks TLS there, check WEIR_MQTT_URL (mqtts://)"
        return None


async def _speaks_plainly(host: str, port: int) -> bool:
    """Whether a port on which no handshake came about answers a CONNECT without TLS; amqtt waits there in silence."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(_PLAIN_CONNECT)
            return (await reader.read(1)) == _CONNACK
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()


def _is_unauthorized(rc: object) -> bool:
    if isinstance(rc, ReasonCode):
        return rc.getName() in ("Bad user name or password", "Not authorized")
    return rc in (paho.CONNACK_REFUSED_BAD_USERNAME_PASSWORD, paho.CONNACK_REFUSED_NOT_AUTHORIZED)


Acknowledge = Callable[[], object]
Deliver = Callable[[paho.MQTTMessage, Acknowledge], None]


def paho_client(client: aiomqtt.Client) -> paho.Client:
    """The paho client inside: aiomqtt 2.5 hands it to nobody, nor offers what we need of it (above)."""
    inside = client._client  # noqa: SLF001
    assert isinstance(inside, paho.Client)
    return inside


def take_delivery(client: aiomqtt.Client, deliver: Deliver) -> None:
    """Hand each message to ``deliver(message, acknowledge)``, in the event loop; to be called before connecting.

    The broker sends a message of QoS 1 again, on the next connection of a persistent session, unless ``acknowledge()``
    was called.  ``deliver`` must not raise: the connection would be taken for broken.
    """
    inside = paho_client(client)
    inside.manual_ack_set(on=True)

    def on_message(_client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        deliver(message, partial(inside.ack, message.mid, message.qos))

    inside.on_message = on_message


class Outbox:
    """Publishes over one connection; to be made before it is entered."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._paho = paho_client(client)
        self._paho.on_publish = self._published
        self._paho.max_inflight_messages_set(MAX_IN_FLIGHT)
        self._pending: dict[int, asyncio.Future[None]] = {}

    async def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> None:
        """Return when the broker has acknowledged (QoS 0: when it is sent).

        Raises ``aiomqtt.MqttError`` when the connection is lost before, ``ValueError`` for a topic that is none.
        """
        sent = self._paho.publish(topic, payload, qos, retain)
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(sent.rc, "Could not publish")
        acknowledged = self._pending[sent.mid] = asyncio.get_running_loop().create_future()
        try:
            await acknowledged
        finally:
            self._pending.pop(sent.mid, None)

    def lost(self) -> None:
        """The connection is lost: nobody will acknowledge what is pending."""
        for acknowledged in self._pending.values():
            if not acknowledged.done():
                acknowledged.set_exception(aiomqtt.MqttError("Disconnected before the acknowledgement"))

    def _published(self, _client: paho.Client, _userdata: Any, mid: int, *_: Any) -> None:
        acknowledged = self._pending.get(mid)
        if acknowledged is not None and not acknowledged.done():
            acknowledged.set_result(None)


async def until_lost(client: aiomqtt.Client) -> NoReturn:
    """Wait until the connection is lost, then raise ``aiomqtt.MqttError``."""
    async for _ in client.messages:
        pass
    raise aiomqtt.MqttError("Disconnected")


async def keep_connected(
    address: MqttAddress,
    serve: Callable[[aiomqtt.Client], Awaitable[None]],
    *,
    client_id: str,
    persistent: bool = False,
) -> NoReturn:
    """Run ``serve(client)`` again and again, until cancelled.

    ``serve`` enters the client (``async with client:``), which connects, and works until the connection is lost
    (``aiomqtt.MqttError``, after which the next attempt waits) or until it wants a new one (it returns).
    ``persistent``: the broker keeps subscriptions and undelivered messages under ``client_id``.

    Raises ``RefusedError``.
    """
    backoff = FIRST_BACKOFF_S
    while True:
        client = address.client(
            identifier=client_id, clean_session=not persistent, keepalive=KEEPALIVE_S, timeout=CONNECT_TIMEOUT_S
        )
        began = asyncio.get_running_loop().time()
        try:
            await serve(client)
        except aiomqtt.MqttError as error:
            # Whom the broker has let in before is not refused: nothing is to be found out, and finding out takes time.
            if not client.was_connected and (refused := await address.refusal(error)) is not None:
                raise RefusedError(refused) from None
            if asyncio.get_running_loop().time() - began > LAST_BACKOFF_S:
                backoff = FIRST_BACKOFF_S
            log.warning("no MQTT connection", broker=str(address), client=client_id, error=str(error), retry_s=backoff)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF_S)
        finally:
            # A connection attempt that timed out leaves paho's socket open, and the broker would go on talking to it.
            paho_client(client).disconnect()
