"""The README is true: its commands exist, its files are there, its process is a process, and nothing is left out."""

import re
import tomllib
from pathlib import Path

import pytest
import typer.main
from fastapi.routing import APIRoute
from pydantic import BaseModel

from streams.core.activities import KINDS
from streams.core.parse import check_definition
from streams.core.triggers import TRIGGERS
from streams.settings import Settings
from weir.api.routes import ROUTERS
from weir.api.routes.messages import NewMessage
from weir.api.routes.positions import NewPosition
from weir.cli.main import app

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PLACES = re.findall(r"`((?:streams|projections|redpanda|weir|definitions|tests|benchmarks)/[\w./-]*)`", README)


def test_every_weir_command_of_the_readme_exists() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"\bweir ([a-z][a-z-]*)", README))
    assert named <= known


def test_every_poe_task_of_the_readme_exists() -> None:
    tasks = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["poe"]["tasks"]
    assert set(re.findall(r"\bpoe ([a-z]+)", README)) <= set(tasks)


@pytest.mark.parametrize("place", sorted(set(PLACES)))
def test_every_place_of_the_readme_is_there(place: str) -> None:
    assert (PROJECT / place).exists()


def test_the_readme_names_every_command_that_a_person_uses() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    missing = [name for name in commands if f"weir {name}" not in README]
    assert missing == []


def test_every_kind_of_activity_and_trigger_is_told() -> None:
    assert [name for name in (*KINDS, *TRIGGERS) if f"`{name}`" not in README and f"type: {name}" not in README] == []


@pytest.mark.parametrize("text", [text for text in EXAMPLES if text.startswith("id:") and "…" not in text])
def test_an_example_that_is_whole_is_valid(text: str) -> None:
    assert check_definition(text)[1] == []


def test_every_resource_of_the_gateway_is_told() -> None:
    paths = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
    resources = {re.sub(r"^(/(?:api/[^/]+|[^/]+)).*", r"\1", path) for path in paths}
    assert [one for one in sorted(resources) if f"{one}`" not in README and f" {one}/" not in README] == []


@pytest.mark.parametrize(("path", "model"), [("/api/positions", NewPosition), ("/api/messages", NewMessage)])
def test_what_the_station_is_told_fits(path: str, model: type[BaseModel]) -> None:
    """The bodies of these routes are flat, and what comes over MQTT is not."""
    bodies = re.findall(rf"`(\{{[^`]*\}})`\s+to `{path}`", README)
    assert bodies
    for body in bodies:
        model.model_validate_json(body)


def test_every_setting_is_told() -> None:
    """In the README's table, by the name of its environment variable."""
    names = [
        field.validation_alias.choices[0] if field.validation_alias else f"WEIR_{name.upper()}"  # type: ignore[union-attr]
        for name, field in Settings.model_fields.items()
    ]
    assert [name for name in names if f"`{name}`" not in README] == []
