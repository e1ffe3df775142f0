"""A plant for the command line: its own topics and database on the shared services, roles started as `weir up` does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.settings import Settings
from streams.topics import Topics
from tests.conftest import own_settings
from tests.site import make_site, migrated
from weir.cli.main import app
from weir.home import environment, save
from weir.roles import role_spec
from weir.stack.checks import run_async
from weir.stack.stack import Stack, StackUrls


class Plant:
    """A plant that a home knows; ``weir`` runs a command on it."""

    def __init__(self, home: Path, settings: Settings, topics: Topics) -> None:
        self.home, self.settings, self.topics = home, settings, topics
        self.stack = Stack(home, settings=settings)

    def start(self, *roles: str) -> None:
        """Start roles and wait until they work."""
        self.stack.start_processes([role_spec(name, self.settings, self.home) for name in roles])

    def weir(self, *arguments: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, ["--home", str(self.home), *arguments])

    def ask(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with ``--json``; returns the document, which is all that stdout holds."""
        result = self.weir(*arguments, "--json")
        assert result.exit_code == code, result.output
        (line,) = result.stdout.splitlines()
        return json.loads(line)


@pytest.fixture(scope="module")
def bare_plant(
    stack: StackUrls, lasting_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plant]:
    """Topics and an empty schema; no role runs."""
    folder = tmp_path_factory.mktemp("plant")
    settings = own_settings(stack, lasting_database(migrated))
    own, topics = run_async(make_site(settings, folder))
    home = folder / "home"
    home.mkdir()
    save(home, own, Stack(home).ports, durable=False)
    plant = Plant(home, own, topics)
    with pytest.MonkeyPatch.context() as patch:
        for variable in environment(settings):
            patch.delenv(variable, raising=False)
        patch.chdir(folder)
        yield plant
    plant.stack.down()


@pytest.fixture(scope="module")
def plant(bare_plant: Plant) -> Plant:
    """Processor and projector work."""
    bare_plant.start("projector", "processor")
    return bare_plant
