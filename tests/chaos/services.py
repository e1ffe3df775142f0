"""The harness's own Kafka, PostgreSQL and MQTT broker, each behind a proxy for every host, and how they are killed.

Kafka tells its clients where to connect, so each proxy needs a listener that advertises it.
The harness itself (load, ledger, judge) connects directly: it must see the truth while the roles do not.
"""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from streams.redaction import SecretUrl
from streams.settings import Settings
from tests.chaos.proxy import Proxy
from weir.stack import kafka, mqtt, postgres
from weir.stack.kafka_jars import ensure_kafka
from weir.stack.ports import LOCALHOST, Ports, free_port_numbers
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress
from weir.stack.stack import Stack

PORTS = (20000, 25999)
HOSTS = ("a", "b")


class ProxiedStack(Stack):
    """A stack whose Kafka has a listener for each host as well; ``listeners``: (port, advertised port) by name."""

    def __init__(self, home: Path, ports: Ports, listeners: dict[str, tuple[int, int]]) -> None:
        super().__init__(home, ports, durable=False)
        self._listeners = listeners

    def pid(self, name: str) -> int:
        """The service's process."""
        return self._processes.state.read().processes[name].pid

    def _prepare_kafka(self, progress: Progress) -> ProcessSpec:
        jars = ensure_kafka(progress)
        return kafka.prepare(
            self.home, jars, self.ports, durable=self.durable, progress=progress, more=self._properties()
        )

    def _properties(self) -> str:
        own = {"PLAINTEXT": (self.ports.kafka, self.ports.kafka), **self._listeners}
        listeners = [f"CONTROLLER://{LOCALHOST}:{self.ports.kafka_controller}"]
        listeners += [f"{name}://{LOCALHOST}:{port}" for name, (port, _) in own.items()]
        values = {
            "listeners": ",".join(listeners),
            "advertised.listeners": ",".join(f"{name}://{LOCALHOST}:{port}" for name, (_, port) in own.items()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in ("CONTROLLER", *own)),
            "num.network.threads": "1",  # of each listener
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())


@dataclass(frozen=True)
class Network:
    """What is between one host and the services."""

    kafka: Proxy
    postgres: Proxy
    mqtt: Proxy

    @property
    def all(self) -> tuple[Proxy, ...]:
        return self.kafka, self.postgres, self.mqtt


class Services:
    """Started by ``start``; ``settings_of`` a host go through its proxies, ``settings_of(None)`` directly."""

    def __init__(self, home: Path) -> None:
        spare = iter(free_port_numbers(13, *PORTS))  # all at once, so that no two are the same
        ports = Ports(*(next(spare) for _ in range(5)))
        self.networks: dict[str, Network] = {}
        listeners = {}
        for host in HOSTS:
            listener, *fronts = (next(spare) for _ in range(4))
            self.networks[host] = Network(
                Proxy(f"kafka-{host}", fronts[0], listener),
                Proxy(f"postgres-{host}", fronts[1], ports.postgres),
                Proxy(f"mqtt-{host}", fronts[2], ports.mqtt),
            )
            listeners[f"HOST_{host.upper()}"] = (listener, fronts[0])
        self.ports = ports
        self.stack = ProxiedStack(home, ports, listeners)

    async def start(self) -> None:
        for network in self.networks.values():
            for proxy in network.all:
                await proxy.start()
        await self.bring_back()

    async def stop(self) -> None:
        await asyncio.to_thread(self.stack.down)
        for network in self.networks.values():
            for proxy in network.all:
                await proxy.stop()

    async def bring_back(self) -> None:
        """Start what was killed, and wait until it answers."""
        await asyncio.to_thread(self.stack.up)

    def strike(self, name: str, number: signal.Signals) -> None:
        """Send a service a signal."""
        os.kill(self.stack.pid(name), number)

    def heal(self) -> None:
        """Every network works again."""
        for network in self.networks.values():
            for proxy in network.all:
                proxy.heal()

    def settings_of(self, host: str | None, base: Settings) -> Settings:
        """``base`` with the addresses of the services as a host sees them."""
        ports = self.ports
        if host is not None:
            network = self.networks[host]
            ports = Ports(
                network.kafka.port, ports.kafka_controller, network.postgres.port, network.mqtt.port, ports.api
            )
        return base.model_copy(
            update={
                "brokers": kafka.brokers(ports),
                "database_url": SecretUrl(postgres.database_url(ports)),
                "mqtt_url": SecretUrl(mqtt.url(ports)),
            }
        )
