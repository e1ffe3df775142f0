"""The plant of a run: services, topics, schema and roles in a home of its own, new each time and removed at the end.

Roles are processes as ``weir up`` starts them, with the settings of the environment (``WEIR_FETCH_WAIT_MS`` and the
like; not the addresses of services), but for the action that ``benchmarks.role`` adds.  Only those that a workload
needs run.  With ``services`` the plant uses what runs under that home instead of services of its own.
"""

import asyncio
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import sampler
from benchmarks.meter import Meter
from benchmarks.services import TELEMETRY, BenchStack, own_database, remove, write_topics
from streams.core.commands import DeployDefinition
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import Topics, load_topics
from weir.client import CommandClient
from weir.home import PROJECT
from weir.plant import EMBEDDED_PARTITIONS, bring_up
from weir.roles import role_spec
from weir.stack.ports import free_ports
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress
from weir.stack.stack import VARIABLES, Stack
from weir.stack.state import StateFile
from weir.watch import Accepted

LOWEST_PORT, HIGHEST_PORT = 20_000, 20_999
DEFINITIONS = Path(__file__).parent / "definitions"
MODULE = "benchmarks.role"
DEPLOY_TIMEOUT_S = 60.0
PROCESS_ROLES = ("projector", "processor", "actions")


class DeployError(Exception):
    """The plant refused a definition of the benchmark."""


@dataclass(frozen=True)
class Wanted:
    """How the plant shall be.  ``flush``: Kafka writes each batch to disk before it acknowledges, as ``weir up`` has
    it; else Kafka's default.  The database is durable in either case.  ``profiled`` are roles that sample themselves.
    ``faster``: the times of the changelog's compaction are divided by it.
    """

    flush: bool = True
    partitions: int = EMBEDDED_PARTITIONS
    services: Path | None = None
    profiled: tuple[str, ...] = ()
    faster: float = 1.0


@dataclass
class BenchPlant:
    """A plant that runs."""

    settings: Settings
    topics: Topics
    home: Path
    stack: Stack
    wanted: Wanted
    services: dict[str, int]
    """Pids of Kafka and PostgreSQL."""
    step: Progress

    @property
    def telemetry(self) -> str:
        """The run's topic of readings."""
        return next(iter(self.topics.telemetry))

    def start(self, roles: Sequence[str]) -> None:
        """Start these roles and wait until they work."""
        self.stack.start_processes([self._spec(name) for name in roles], self.step)

    def stop(self, role: str) -> None:
        """Stop a role."""
        self.stack.stop_process(role, self.step)

    def meter(self) -> Meter:
        """A meter of the services and of the roles that run now."""
        processes = StateFile(self.home).read().processes
        roles = {name: one.pid for name, one in processes.items() if name not in self.services and name != "mqtt"}
        return Meter({**roles, **self.services})

    def deploy(self, *names: str) -> None:
        """Deploy definitions of the benchmark, by the name of their file."""
        asyncio.run(self._deploy(names))

    @contextmanager
    def profiling(self) -> Iterator[None]:
        """The profiled roles sample themselves meanwhile."""
        for role in self.wanted.profiled:
            self.profile_of(role).touch()
        yield
        for role in self.wanted.profiled:
            self.profile_of(role).unlink()

    def profile_of(self, role: str) -> Path:
        """The sampler's file of a role."""
        return self.home / "run" / f"{role}.profile"

    async def _deploy(self, names: Sequence[str]) -> None:
        async with CommandClient(self.settings, self.topics) as client:
            for name in names:
                path = DEFINITIONS / f"{name}.yaml"
                text = path.read_text(encoding="utf-8").replace(f"topic: {TELEMETRY}", f"topic: {self.telemetry}")
                definition = parse_definition(text, str(path))
                command = DeployDefinition(definition=definition.model_dump(mode="json"))
                outcome = await client.send_and_wait(command, DEPLOY_TIMEOUT_S)
                if not isinstance(outcome, Accepted):
                    raise DeployError(f"Expected {path} to be deployed, but it was refused: {outcome.message}")

    def _spec(self, role: str) -> ProcessSpec:
        spec = role_spec(role, self.settings, self.home)
        env = {**spec.env, "PYTHONPATH": str(PROJECT)}
        if role in self.wanted.profiled:
            env[sampler.VARIABLE] = str(self.profile_of(role))
        argv = (sys.executable, "-m", MODULE, role)
        return replace(spec, argv=argv, env=env)


@contextmanager
def plant(wanted: Wanted, step: Progress) -> Iterator[BenchPlant]:
    """A plant without roles, which ``BenchPlant.start`` starts.  Everything is stopped and removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    home.chmod(0o755)  # under root the database runs as another account
    with ExitStack() as after:
        after.callback(remove, home)
        settings = _settings(home, wanted)
        if wanted.services is not None:
            shared = StateFile(wanted.services.resolve()).read().processes
            database_url = after.enter_context(own_database(str(shared["postgres"].url)))
            urls = {"brokers": shared["kafka"].url, "mqtt_url": shared["mqtt"].url, "database_url": database_url}
            settings = settings.model_copy(update=urls)
        stack = BenchStack(home, free_ports(LOWEST_PORT, HIGHEST_PORT), settings=settings)
        stack.flush = wanted.flush
        after.callback(stack.down, step)
        running = bring_up(stack, settings, step, roles=False)
        found = StateFile(wanted.services.resolve() if wanted.services else stack.home).read().processes
        services = {name: found[name].pid for name in ("kafka", "postgres")}
        topics = load_topics(running.settings)
        yield BenchPlant(running.settings, topics, stack.home, stack, wanted, services, step)


def _settings(home: Path, wanted: Wanted) -> Settings:
    """The environment's settings, but on services, topics and names of the run's own."""
    for variable in VARIABLES.values():
        os.environ.pop(variable, None)
    app_id = f"bench-{uuid.uuid4().hex[:8]}"
    return Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        app_id=app_id,
        partitions=wanted.partitions,
        topics_file=write_topics(home / "topics.yaml", app_id, wanted.partitions, wanted.faster),
        definitions_path=DEFINITIONS,
        api_rate_per_s=1_000_000,  # the load comes from one key
    )
