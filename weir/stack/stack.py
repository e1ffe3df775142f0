"""The embedded stack: Kafka, PostgreSQL with TimescaleDB and an MQTT broker under one home directory.

``up`` installs what is missing, starts what does not run and waits until each service answers; ``down`` stops what ``up``
started; ``status`` asks.  Weir's own roles are started, stopped and seen the same way (``start_process``).
A service that the user has already (its URL is given) is only checked.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from weir.stack import checks, kafka, mqtt, postgres
from weir.stack.checks import Check
from weir.stack.disk import check_space
from weir.stack.errors import StackError
from weir.stack.kafka_jars import ensure_kafka
from weir.stack.ports import Ports
from weir.stack.process import Processes, ProcessSpec, ServiceStatus
from weir.stack.progress import Progress, silent
from weir.stack.timescaledb import ensure_timescaledb

DATA_BYTES = 500_000_000
SERVICES = (kafka.NAME, postgres.NAME, mqtt.NAME)


@dataclass(frozen=True)
class StackUrls:
    """Where the services are; the values of REDPANDA_BROKERS, DATABASE_URL and WEIR_MQTT_URL."""

    brokers: str
    database_url: str
    mqtt_url: str


class Stack:
    """The services and roles under one home."""

    def __init__(self, home: Path, ports: Ports | None = None, durable: bool = True) -> None:
        self.home = home.absolute()
        self.ports = ports or Ports()
        self.durable = durable
        self._processes = Processes(self.home)

    @property
    def urls(self) -> StackUrls:
        return StackUrls(kafka.brokers(self.ports), postgres.database_url(self.ports), mqtt.url(self.ports))

    def up(self, progress: Progress = silent) -> StackUrls:
        """Install, start, wait until healthy.  Safe to repeat: what runs stays as it is, what died starts again."""
        self._make_home()
        with self._processes.state.lock(progress):
            check_space(self.home, DATA_BYTES, "the services' data")
            jars = ensure_kafka(progress)
            bin_dir = ensure_timescaledb(self.log_path("timescaledb-setup"), postgres.cluster_major(self.home), progress)
            specs = [
                kafka.prepare(self.home, jars, self.ports, progress),
                postgres.prepare(self.home, bin_dir, self.ports, durable=self.durable, progress=progress),
                mqtt.prepare(self.home, self.ports),
            ]
            for spec in specs:
                self._processes.launch(spec)
            for spec in specs:
                detail = self._processes.wait_ready(spec, progress)
                progress(f"{spec.name}: {detail}", 1.0)
        return self.urls

    def down(self, progress: Progress = silent) -> None:
        """Stop everything under this home, last started first."""
        if not self.home.is_dir():
            return
        with self._processes.state.lock(progress):
            for name in reversed(list(self._processes.state.read().processes)):
                self._processes.stop(name, progress)

    def status(self) -> list[ServiceStatus]:
        """The services, then the roles in the order of their start."""
        names = self._processes.state.read().processes
        service_checks: dict[str, Check] = {
            kafka.NAME: lambda: kafka.check(self.ports),
            postgres.NAME: lambda: postgres.check(self.ports),
            mqtt.NAME: lambda: mqtt.check(self.ports),
        }
        services = [self._processes.status(name, check) for name, check in service_checks.items()]
        return services + [self._processes.status(name) for name in names if name not in service_checks]

    def start_process(self, spec: ProcessSpec, progress: Progress = silent) -> None:
        """Start a role and wait until it is healthy; does nothing when it runs and is."""
        self._make_home()
        with self._processes.state.lock(progress):
            self._processes.launch(spec)
            self._processes.wait_ready(spec, progress)

    def stop_process(self, name: str, progress: Progress = silent) -> None:
        with self._processes.state.lock(progress):
            self._processes.stop(name, progress)

    def log_path(self, name: str) -> Path:
        return self._processes.log_path(name)

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"Expected to use {self.home} as home, but got: {error}", "Set WEIR_HOME to a directory of your own."
            ) from error
