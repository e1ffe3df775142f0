"""A plant under chaos: services, roles on two hosts, load, and who watches.  What a fault may touch."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from streams.core.commands import DeployDefinition
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import Topics, apply_topics, load_topics
from tests.chaos.fleet import Fleet, Member
from tests.chaos.flight import Flight
from tests.chaos.home import HOME
from tests.chaos.ledger import Ledger
from tests.chaos.load.load import Load
from tests.chaos.load.walkers import AT, RADIUS_M, ZONE
from tests.chaos.plants import role_of
from tests.chaos.services import Services
from tests.site import TOPICS
from weir.client import CommandClient
from weir.database import bring_up_to_date, connected

DEFINITIONS = Path(__file__).parent / "definitions.yaml"
PARTITIONS = 4
SESSION_TIMEOUT_S = 6.0
DEPLOY_S = 120.0
READY_S = 180.0
QUIET_S = 2.0
BUSY = 2_000
"""Commands in flight above which the load waits."""

PLACES = {
    "processor-0": ("processor", "a"),
    "processor-1": ("processor", "b"),
    "processor-2": ("processor", "b"),
    "actions-0": ("actions", "a"),
    "actions-1": ("actions", "b"),
    "projector-0": ("projector", "a"),
    "projector-1": ("projector", "b"),
    "router-0": ("router", "a"),
    "bridge-0": ("bridge", "a"),
    "station-0": ("station", "a"),
    "station-1": ("station", "b"),
}
"""(role, host) of each member."""
STATIC_HOST = "a"
"""Its members keep their place in their groups over a restart."""


@dataclass
class Site:
    """``base`` has no addresses; ``settings`` are the harness's own, past every proxy."""

    folder: Path
    base: Settings
    settings: Settings
    topics: Topics
    services: Services
    fleet: Fleet
    load: Load
    flight: Flight
    ledger: Ledger
    plants: frozenset[str] = frozenset()
    """Names of bugs in the roles (``tests.mutations``)."""
    joined: int = 0
    stops_s: list[float] = field(default_factory=list)
    """How long each SIGTERM took."""

    def add(self, name: str, role: str, host: str) -> Member:
        """A place for a process; it does not run yet."""
        settings = self.services.settings_of(host, self.base)
        if host == STATIC_HOST and role != "bridge":
            settings = settings.model_copy(update={"member_id": name})
        planted = sorted(plant for plant in self.plants if role_of(plant) == role)
        return self.fleet.add(name, role, host, settings, planted)

    async def work(self) -> None:
        """Begin to watch, and to work."""
        await self.flight.start()
        await self.ledger.start()
        await self.load.start()

    async def works(self) -> None:
        """Wait until every role does."""
        if not await within(READY_S, lambda: not self.lame()):
            raise TimeoutError(
                f"{', '.join(self.lame())}: not ready within {READY_S:.0f} s; see the logs in {self.folder}"
            )

    def lame(self) -> list[str]:
        """The members that do not work, or not yet."""
        return [member.name for member in self.fleet.members.values() if not member.works]

    def check(self) -> None:
        """Raise what has ended a part of the harness itself."""
        self.load.check()
        self.flight.check()
        self.ledger.check()


async def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Wait until ``holds``; whether it did so in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.1)
    return True


def quiet(site: Site) -> bool:
    """Nothing has come on any topic for a while."""
    return time.monotonic() - site.flight.changed_at > QUIET_S


@asynccontextmanager
async def building(folder: Path, rng: Random, rate: float, plants: frozenset[str] = frozenset()) -> AsyncIterator[Site]:
    """Services, topics, schema, roles that all work, definitions; taken down at the end, whatever state it is in."""
    base = Settings(
        _env_file=None,  # type: ignore[call-arg]
        app_id="chaos",
        partitions=PARTITIONS,
        topics_file=TOPICS,
        session_timeout_s=SESSION_TIMEOUT_S,
    )
    services, fleet = Services(folder / HOME), Fleet(folder)
    settings = services.settings_of(None, base)
    topics = load_topics(settings)
    load = Load(settings, topics, rng, rate, lambda: flight.gauges()["processor"] > BUSY)
    flight = Flight(settings, topics, load.book)
    site = Site(folder, base, settings, topics, services, fleet, load, flight, Ledger(settings), plants)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(services.stop)
        await services.start()
        await apply_topics(settings, topics)
        await bring_up_to_date(settings)
        await _draw_zone(settings)
        stack.push_async_callback(fleet.kill)
        for name, (role, host) in PLACES.items():
            site.add(name, role, host).start()
        await site.works()
        await _deploy(site)
        for watcher in (site.ledger, flight, load):
            stack.push_async_callback(watcher.stop)
        stack.callback(services.heal)
        yield site


async def _draw_zone(settings: Settings) -> None:
    async with connected(settings) as connection:
        await connection.execute(
            "INSERT INTO zones (id, name, lat, lon, radius_m) VALUES ($1, $1, $2, $3, $4)", ZONE, *AT, RADIUS_M
        )


async def _deploy(site: Site) -> None:
    async with CommandClient(site.settings, site.topics) as client:
        for text in DEFINITIONS.read_text().split("---\n")[1:]:
            definition = parse_definition(text).model_dump(mode="json")
            command = DeployDefinition(id=f"deploy-{definition['id']}", definition=definition)
            site.load.book.sent.uncertain.add(f"deploy-{definition['id']}")  # nobody asks where it is
            await client.send_and_wait(command, DEPLOY_S)
