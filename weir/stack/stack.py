"""The embedded stack: Kafka, PostgreSQL with TimescaleDB and an MQTT broker under one home directory.

``up`` installs what is missing, starts what does not run and waits until each service answers; ``down`` stops what was
started here; ``status`` asks.  Weir's own roles are workers that a supervisor keeps running (``supervise``), or are
started once like a service (``start_process``).
A service whose URL the settings name is the user's own: it is checked, and never started or stopped.

    <home>/state.json       what was started (weir.stack.state)
    <home>/workers.json     what the supervisor keeps running (weir.stack.workers)
    <home>/logs/NAME.log    output
    <home>/kafka, postgres, mqtt    configuration and data
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.redaction import without_password
from streams.settings import Settings
from weir.stack import kafka, mqtt, postgres, supervisor
from weir.stack.accounts import check_owner
from weir.stack.checks import Check, words
from weir.stack.disk import check_space
from weir.stack.errors import ServiceUnreachableError, StackError
from weir.stack.kafka_jars import ensure_kafka
from weir.stack.ports import Ports
from weir.stack.process import Processes, ProcessSpec, ServiceStatus
from weir.stack.progress import Progress, silent
from weir.stack.state import alive
from weir.stack.supervision import Supervision
from weir.stack.timescaledb import ensure_timescaledb
from weir.stack.workers import WorkerSpec

NEW_HOME_BYTES = 1_000_000_000
OLD_HOME_BYTES = 200_000_000
FIELDS = {kafka.NAME: "brokers", postgres.NAME: "database_url", mqtt.NAME: "mqtt_url"}
VARIABLES = {kafka.NAME: "REDPANDA_BROKERS", postgres.NAME: "DATABASE_URL", mqtt.NAME: "WEIR_MQTT_URL"}


@dataclass(frozen=True)
class StackUrls:
    """Where the services are; the values of REDPANDA_BROKERS, DATABASE_URL and WEIR_MQTT_URL."""

    brokers: str
    database_url: str
    mqtt_url: str


class Stack:
    """The services and roles under one home.

    ``durable=False`` is for tests: what the services acknowledge survives their death, not a power cut.
    """

    def __init__(
        self, home: Path, ports: Ports | None = None, durable: bool = True, settings: Settings | None = None
    ) -> None:
        self.home = home.resolve()
        self.ports = ports or Ports()
        self.durable = durable
        self._processes = Processes(self.home)
        self._supervision = Supervision(self.home, self._processes)
        embedded = StackUrls(kafka.brokers(self.ports), postgres.database_url(self.ports), mqtt.url(self.ports))
        own = settings.model_fields_set if settings is not None else set()
        urls = {field: getattr(settings if field in own else embedded, field) for field in FIELDS.values()}
        self.urls = StackUrls(**urls)
        self.external = [name for name, field in FIELDS.items() if urls[field] != getattr(embedded, field)]
        options = client_options(settings) if settings is not None else {}
        files = (settings or Settings.model_construct()).mqtt_tls
        self._checks: dict[str, Check] = {
            kafka.NAME: lambda: kafka.check({**options, "bootstrap_servers": self.urls.brokers}),
            postgres.NAME: lambda: postgres.check(self.urls.database_url),
            mqtt.NAME: lambda: mqtt.check(replace(MqttAddress.parse(self.urls.mqtt_url), files=files)),
        }

    def up(self, progress: Progress = silent) -> StackUrls:
        """Install, start, wait until healthy.  Safe to repeat: what runs stays as it is, what died starts again."""
        self._prepare_home()
        for name in self.external:
            self._check_external(name)
        with self._processes.state.lock(progress):
            specs = [prepare(progress) for name, prepare in self._embedded().items() if name not in self.external]
            for spec in specs:  # all before the first wait: they start at the same time
                self._processes.launch(spec)
            for spec in specs:
                detail = self._processes.wait_ready(spec, progress)
                progress(f"{spec.name}: {detail}", 1.0)
        return self.urls

    def down(self, progress: Progress = silent) -> None:
        """Stop everything under this home, last started first: the workers, then what they stand on."""
        if not self.home.is_dir():
            return
        problems = []
        with self._processes.state.lock(progress):
            try:
                self._supervision.down(progress)
            except StackError as error:
                problems.append(error)
            for name in reversed(self._processes.names()):
                try:
                    self._processes.stop(name, progress)
                except StackError as error:  # the others stop all the same
                    problems.append(error)
        if problems:
            raise problems[0]

    def running(self) -> list[str]:
        """What was started here and runs, in the order of the starts; nobody is asked for their health."""
        started = self._processes.state.read().processes
        return [name for name, record in started.items() if alive(record) is not None] + self._supervision.running()

    def status(self) -> list[ServiceStatus]:
        """The services, then what was started once, the supervisor and the workers, in the order of their start."""
        services = [
            self._external_status(name) if name in self.external else self._processes.status(name, check)
            for name, check in self._checks.items()
        ]
        roles = [
            name for name in self._processes.state.read().processes if name not in (*self._checks, supervisor.NAME)
        ]
        return services + [self._processes.status(name) for name in roles] + self._supervision.status()

    def supervise(self, workers: Sequence[WorkerSpec], progress: Progress = silent) -> None:
        """Have exactly these workers run, kept running by the supervisor, and wait until they work.

        What runs by these specs stays as it is, what runs by others is started again; workers that are not among
        these are stopped for good.
        """
        self._prepare_home()
        with self._processes.state.lock(progress):
            self._supervision.want(workers, progress)

    def workers(self) -> list[WorkerSpec]:
        """The workers that the supervisor keeps running, in the order of starting."""
        return [worker.spec for worker in self._supervision.workers().values()]

    def start_process(self, spec: ProcessSpec, progress: Progress = silent) -> None:
        """Start a role and wait until it is healthy; one that runs already stays as it is."""
        self._prepare_home()
        with self._processes.state.lock(progress):
            self._processes.launch(spec)
            self._processes.wait_ready(spec, progress)

    def start_processes(self, specs: Sequence[ProcessSpec], progress: Progress = silent) -> None:
        """Start roles side by side and wait until each is healthy; one that runs stays as it is."""
        self._prepare_home()
        with self._processes.state.lock(progress):
            for spec in specs:
                self._processes.launch(spec)
            for spec in specs:
                self._processes.wait_ready(spec, progress)
                progress(f"{spec.name}: ready", 1.0)

    def stop_process(self, name: str, progress: Progress = silent) -> None:
        """Stop a role (or a service), a supervised one for good; nothing happens when it does not run."""
        if not self.home.is_dir():
            return
        with self._processes.state.lock(progress):
            if name in self._supervision.workers():
                self._supervision.stop([name], progress)
            else:
                self._processes.stop(name, progress)

    def log_path(self, name: str) -> Path:
        return self._processes.log_path(name)

    def _embedded(self) -> dict[str, Callable[[Progress], ProcessSpec]]:
        """Each service's installation and configuration, in the order of starting."""
        return {kafka.NAME: self._prepare_kafka, postgres.NAME: self._prepare_postgres, mqtt.NAME: self._prepare_mqtt}

    def _prepare_kafka(self, progress: Progress) -> ProcessSpec:
        return kafka.prepare(self.home, ensure_kafka(progress), self.ports, durable=self.durable, progress=progress)

    def _prepare_postgres(self, progress: Progress) -> ProcessSpec:
        log = self.log_path("timescaledb-setup")
        bin_dir = ensure_timescaledb(log, postgres.cluster_major(self.home), progress)
        return postgres.prepare(self.home, bin_dir, self.ports, durable=self.durable, progress=progress)

    def _prepare_mqtt(self, _progress: Progress) -> ProcessSpec:
        return mqtt.prepare(self.home, self.ports)

    def _check_external(self, name: str) -> None:
        try:
            self._checks[name]()
        except Exception as error:  # whatever the client library raises
            raise ServiceUnreachableError(
                f"Expected {name} at {VARIABLES[name]} to answer, but got: {words(error)}",
                f"Start it, correct {VARIABLES[name]}, or remove that variable: then Weir brings its own {name}.",
            ) from error

    def _external_status(self, name: str) -> ServiceStatus:
        url = without_password(getattr(self.urls, FIELDS[name]))
        try:
            return ServiceStatus(name, "external", url=url, detail=self._checks[name]())
        except Exception as error:  # noqa: BLE001  whatever a check raises is what status shows
            return ServiceStatus(name, "unhealthy", url=url, detail=f"not started by Weir: {words(error)}")

    def _prepare_home(self) -> None:
        try:
            new = not (self.home / "kafka").exists()
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"Expected to use {self.home} as home, but got: {words(error)}",
                "Set WEIR_HOME to a directory of your own.",
            ) from error
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise StackError(
                f"Expected to write in {self.home}, but it may not.", "Set WEIR_HOME to a directory of your own."
            )
        for part in ("state.json", "workers.json", "kafka/data", "mqtt"):
            check_owner(self.home / part)
        check_owner(self.home / "postgres" / "data", postgres.account())
        check_space(self.home, NEW_HOME_BYTES if new else OLD_HOME_BYTES, "the services' data")
