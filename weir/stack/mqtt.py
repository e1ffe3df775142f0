"""The embedded MQTT broker: mosquitto when it is on PATH, else amqtt in a process of its own.

Both keep what a client with a persistent session has not acknowledged, and send it again on the next connection.
mosquitto keeps it over a restart and, but for the last second, over its own death too; amqtt keeps it in memory only.
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import aiomqtt

from streams.mqtt import MqttAddress
from streams.refused import RefusedError
from weir.stack import checks
from weir.stack.checks import TIMEOUT_S
from weir.stack.ports import LOCALHOST, Ports
from weir.stack.process import ProcessSpec

NAME = "mqtt"

# As redpanda/mosquitto.conf, which says why.
MOSQUITTO = """\
listener {port} {host}
allow_anonymous true
max_inflight_messages 500
persistence true
persistence_location {directory}/
autosave_interval 1
max_queued_messages 100000
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


def url(ports: Ports) -> str:
    return f"mqtt://{LOCALHOST}:{ports.mqtt}"


def find_mosquitto() -> str | None:
    """The program, also where Debian puts it, which is not on everybody's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin")


def prepare(home: Path, ports: Ports) -> ProcessSpec:
    """Write the configuration and tell how to start the broker."""
    directory = home / NAME
    directory.mkdir(parents=True, exist_ok=True)
    mosquitto = find_mosquitto()
    if mosquitto is not None:
        config = directory / "mosquitto.conf"
        text = MOSQUITTO.format(port=ports.mqtt, host=LOCALHOST, directory=directory)
        if os.geteuid() == 0:
            text += "user root\n"  # it would change to an account that cannot read the home
        config.write_text(text)
        argv: tuple[str, ...] = (mosquitto, "-c", str(config))
    else:
        argv = (sys.executable, "-m", "weir.stack.amqtt_broker", LOCALHOST, str(ports.mqtt))
    return ProcessSpec(
        name=NAME,
        argv=argv,
        cwd=directory,
        port=ports.mqtt,
        url=url(ports),
        ready=lambda: check(MqttAddress(LOCALHOST, ports.mqtt)),
        stop_timeout_s=10.0,
        kept=True,
    )


def check(address: MqttAddress) -> str:
    """The broker accepts a CONNECT.  Raises ``RefusedError`` when it is there and does not."""

    async def ask() -> str:
        try:
            async with address.client(timeout=TIMEOUT_S):
                return "accepts connections"
        except aiomqtt.MqttError as error:
            if (refused := await address.refusal(error)) is not None:
                raise RefusedError(refused) from None
            raise

    return checks.run_async(asyncio.wait_for(ask(), 3 * TIMEOUT_S))
