"""The other ends of the actions: a mail server, and an MQTT broker behind a network that can bar messages.

What arrives is taken down there, as often as it arrives: ``Ends.got``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

import aiomqtt
from aiosmtpd.smtp import SMTP, Envelope, Session

from streams.mqtt import MqttAddress
from streams.settings import Settings
from tests.chaos.proxy import Proxy
from weir.stack.ports import free_port_numbers

CHANNELS = """\
alert: {{type: email, host: 127.0.0.1, port: {port}, tls: none, from: weir@plant.example, to: [ops@plant.example]}}
"""
Arrival = tuple[str, str, bytes]
"""``mail``, its subject and text; or ``mqtt``, the topic and the payload."""


@dataclass
class Ends:
    """``network`` lies between the action workers and the MQTT broker; ``channels`` is the file of ``notify``."""

    network: Proxy
    channels: Path
    got: Counter[Arrival] = field(default_factory=Counter)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)
        text = mail.get_content().rstrip("\r\n")  # type: ignore[attr-defined]
        self.got["mail", str(mail["Subject"]), text.encode()] += 1
        return "250 OK"

    async def listen(self, client: aiomqtt.Client) -> None:
        """Take down what is published, until cancelled."""
        async for message in client.messages:
            if not message.retain:  # what was published before us
                self.got["mqtt", str(message.topic), bytes(message.payload)] += 1  # type: ignore[arg-type]


@asynccontextmanager
async def opened(settings: Settings, folder: Path) -> AsyncIterator[Ends]:
    """All ends, on ports of 127.0.0.1."""
    address = MqttAddress.parse(settings.mqtt_url)
    mail_port, mqtt_port = free_port_numbers(2, 24_000, 24_900)
    ends = Ends(Proxy("mqtt", mqtt_port, address.port), folder / "channels.yaml")
    ends.channels.write_text(CHANNELS.format(port=mail_port))
    loop, servers = asyncio.get_running_loop(), list[SMTP]()

    def protocol() -> SMTP:
        servers.append(SMTP(ends, hostname="plant.example"))
        return servers[-1]

    mail = await loop.create_server(protocol, "127.0.0.1", mail_port)
    await ends.network.start()
    async with aiomqtt.Client(address.host, address.port) as client:
        await client.subscribe("#", qos=1)
        listening = asyncio.create_task(ends.listen(client))
        try:
            yield ends
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await ends.network.stop()
            mail.close()
            for one in servers:
                if one.transport is not None:
                    one.transport.abort()
            await mail.wait_closed()
