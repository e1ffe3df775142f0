"""What performers reach the world through: opened once a worker, with a fake beside each real one."""

import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from streams.actions.channels import Channels, load_channels
from streams.actions.databases import Databases, FakeDatabases, PgDatabases
from streams.actions.emitter import Emitter, FakeEmitter, KafkaEmitter
from streams.actions.http_client import AiohttpClient, FakeHttpClient, HttpAnswer, HttpClient
from streams.actions.mailer import FakeMailer, Mailer, SmtpMailer
from streams.actions.publisher import FakePublisher, MqttPublisher, Publisher
from streams.actions.station import StationSide
from streams.addresses import Allowed
from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.secrets import Secrets
from streams.settings import Settings
from streams.station.memory import MemoryStation
from streams.station.sql import SqlStation
from streams.station.tables import Station
from streams.topics import Topics, group_of

ROLE = "actions"


class Connections(NamedTuple):
    """``plant_ms`` is the plant's time in Unix milliseconds."""

    mqtt: Publisher
    http: HttpClient
    databases: Databases
    mailer: Mailer
    emitter: Emitter
    channels: Channels
    secrets: Secrets
    station: Station
    plant_ms: Callable[[], int]
    confined: bool = True
    """Whether scripts need a kernel that filters system calls."""

    @property
    def of_station(self) -> StationSide:
        """What the station's actions need of them."""
        return StationSide(self.station, self.mqtt, self.plant_ms)


class Opening(NamedTuple):
    """``connections`` may be given to performers at once, and used after ``start``."""

    connections: Connections
    starts: tuple[Callable[[], Awaitable[None]], ...]
    stops: tuple[Callable[[], Awaitable[None]], ...]

    async def start(self) -> None:
        """Connect, or begin to."""
        for start in self.starts:
            await start()

    async def stop(self) -> None:
        """Disconnect."""
        for stop in reversed(self.stops):
            await stop()


def real_connections(settings: Settings, topics: Topics) -> Opening:
    """Those of an action worker."""
    clock = settings.plant_clock
    mqtt = MqttPublisher(MqttAddress.of(settings), f"{group_of(settings, ROLE)}-{uuid.uuid4().hex[:8]}")
    http = AiohttpClient(Allowed.parse(settings.http_allow))
    databases = PgDatabases(settings.database_url, settings.databases)
    station = SqlStation(settings.database_url)
    emitter = KafkaEmitter(client_options(settings), frozenset(topics.telemetry))
    connections = Connections(
        mqtt,
        http,
        databases,
        SmtpMailer(),
        emitter,
        load_channels(settings.channels_file),
        Secrets.of(settings),
        station,
        plant_ms=lambda: clock.plant_ms(time.time() * 1000),
        confined=settings.script_sandbox == "required",
    )
    opened = (http, databases, emitter, mqtt)
    return Opening(connections, tuple(one.start for one in opened), tuple(one.stop for one in (station, *opened)))


def fake_connections(topics: Collection[str] = ()) -> Connections:
    """Fakes that answer with nothing, for tests and dry runs; ``_replace`` puts in others.

    ``topics`` are those of the plant.
    """
    http, databases = FakeHttpClient(lambda _: HttpAnswer(204, {}, b"")), FakeDatabases(lambda _: [])
    return Connections(
        FakePublisher(),
        http,
        databases,
        FakeMailer(),
        FakeEmitter(topics),
        Channels(),
        Secrets({}),
        MemoryStation(),
        lambda: 0,
    )
