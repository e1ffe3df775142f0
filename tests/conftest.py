"""The embedded stack for tests: one broker, one database server and one MQTT broker for the whole run.

``stack`` starts them on first use; ``settings`` is a fresh application on them (its own ids and group);
``fresh_database`` makes an empty database in milliseconds, from a template.
"""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from streams.settings import Settings
from tests.durations import pytest_addoption, pytest_configure  # noqa: F401  hooks
from tests.order import in_order
from weir.stack.checks import run_async
from weir.stack.ports import free_ports
from weir.stack.stack import Stack, StackUrls
from weir.stack.state import process_since

PARTITIONS = 4
EXAMPLES = 50
"""Of each property in a run; they differ from run to run.  ``poe deep`` tries twenty times as many."""
HOME_PREFIX = "weir-tests-"
Prepare = Callable[[str], Awaitable[object]]

# No test is timed: on a busy machine an example may take long, and drawing one too.
hypothesis_settings.register_profile(
    "weir", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("deep", hypothesis_settings.get_profile("weir"), max_examples=20 * EXAMPLES)
hypothesis_settings.load_profile("weir")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``-m "not services"`` leaves out what needs the stack; and the order of ``tests.order``."""
    in_order(items)
    for item in items:
        if isinstance(item, pytest.Function) and "running_stack" in item.fixturenames:
            item.add_marker("services")


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A command that runs within the test process binds the log to the test's own stderr: not for the next test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Stack]:
    """The stack itself, for tests of the stack and of what runs under it."""
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=HOME_PREFIX))
    (home / "owner").write_text(f"{os.getpid()} {psutil.Process().create_time()}")
    home.chmod(0o755)  # under root the database runs as another account
    stack = Stack(home, free_ports(26000, 29999), durable=False)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home)


def _sweep() -> None:
    """Stop and remove the stacks of runs that were killed."""
    for owner in Path(tempfile.gettempdir()).glob(f"{HOME_PREFIX}*/owner"):
        pid, created = owner.read_text().split()
        if process_since(int(pid), float(created)) is None:
            Stack(owner.parent).down()
            shutil.rmtree(owner.parent, ignore_errors=True)  # another run may sweep too


@pytest.fixture(scope="session")
def stack(running_stack: Stack) -> StackUrls:
    """Where the services are."""
    return running_stack.urls


@pytest.fixture
def settings(stack: StackUrls, fresh_database: Callable[..., str]) -> Settings:
    """Settings of an application that nobody else uses, with an empty database (the extension, no tables)."""
    return own_settings(stack, fresh_database())


def own_settings(stack: StackUrls, database_url: str) -> Settings:
    """Settings of an application that nobody else uses."""
    return Settings(
        _env_file=None,
        brokers=stack.brokers,
        database_url=database_url,
        mqtt_url=stack.mqtt_url,
        app_id=f"test-{uuid.uuid4().hex[:12]}",
        partitions=PARTITIONS,
    )


@pytest.fixture(scope="session")
def _templates(stack: StackUrls) -> dict[Prepare | None, str]:
    """Template databases of this run, by what prepared them."""
    return {}


@pytest.fixture
def fresh_database(stack: StackUrls, _templates: dict[Prepare | None, str]) -> Iterator[Callable[..., str]]:
    """``fresh_database(prepare=None)`` makes a database and returns its URL; it is dropped after the test.

    ``prepare`` is an async function that takes a database's URL, most often the one that runs the migrations.  It runs
    once a session, on a template; each test's database is a copy of that.
    """
    yield from _databases(stack, _templates)


@pytest.fixture(scope="module")
def lasting_database(stack: StackUrls, _templates: dict[Prepare | None, str]) -> Iterator[Callable[..., str]]:
    """The same, and it is dropped after the file's last test."""
    yield from _databases(stack, _templates)


def _databases(stack: StackUrls, templates: dict[Prepare | None, str]) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(prepare: Prepare | None = None) -> str:
        async def copy() -> str:
            admin = await asyncpg.connect(stack.database_url)
            try:
                if prepare not in templates:
                    templates[prepare] = await _make_template(admin, stack.database_url, prepare)
                name = f"test_{uuid.uuid4().hex[:12]}"
                await admin.execute(f'create database "{name}" template "{templates[prepare]}" strategy file_copy')
                made.append(name)
                return _with_database(stack.database_url, name)
            finally:
                await admin.close()

        return run_async(copy())

    async def drop() -> None:
        admin = await asyncpg.connect(stack.database_url)
        try:
            for name in made:
                await _drop(admin, name)
        finally:
            await admin.close()

    yield make
    run_async(drop())


async def _drop(admin: asyncpg.Connection, name: str) -> None:
    """Also while the server vacuums it by itself: that process is not ours to end, and ends soon."""
    async with asyncio.timeout(60):
        while True:
            try:
                await admin.execute(f'drop database "{name}" with (force)')
            except asyncpg.InsufficientPrivilegeError:
                await asyncio.sleep(0.1)
            else:
                return


async def _make_template(admin: asyncpg.Connection, database_url: str, prepare: Prepare | None) -> str:
    name = f"template_{uuid.uuid4().hex[:12]}"
    await admin.execute(f'create database "{name}"')
    url = _with_database(database_url, name)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("set client_min_messages = error")
        await connection.execute("create extension if not exists timescaledb")
    finally:
        await connection.close()
    if prepare is not None:
        await prepare(url)
    # Keeps TimescaleDB's scheduler out: each copy would first have to stop it.
    await admin.execute(f'alter database "{name}" allow_connections false')
    return name


def _with_database(database_url: str, name: str) -> str:
    return urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
