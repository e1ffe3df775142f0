"""The embedded MQTT broker: mosquitto when it is on PATH, else amqtt in a process of its own."""

import os
import shutil
import sys
from pathlib import Path

from weir.stack import checks
from weir.stack.ports import LOCALHOST, Ports
from weir.stack.process import ProcessSpec

NAME = "mqtt"

MOSQUITTO = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {directory}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 100000
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


def url(ports: Ports) -> str:
    return f"mqtt://{LOCALHOST}:{ports.mqtt}"


def prepare(home: Path, ports: Ports) -> ProcessSpec:
    """Write the configuration and tell how to start the broker."""
    directory = home / NAME
    directory.mkdir(parents=True, exist_ok=True)
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if mosquitto is not None:
        config = directory / "mosquitto.conf"
        text = MOSQUITTO.format(port=ports.mqtt, host=LOCALHOST, directory=directory)
        if os.geteuid() == 0:
            text += "user root\n"   # it would change to an account that cannot read the home
        config.write_text(text)
        argv = (mosquitto, "-c", str(config))
    else:
        argv = (sys.executable, "-m", "weir.stack.amqtt_broker", LOCALHOST, str(ports.mqtt))
    return ProcessSpec(
        name=NAME, argv=argv, cwd=directory, port=ports.mqtt, url=url(ports), ready=lambda: check(ports), stop_timeout_s=10.0
    )


def check(ports: Ports) -> str:
    checks.tcp(ports.mqtt)
    return checks.mqtt(LOCALHOST, ports.mqtt)
