"""The example package, loaded into this process for one test, or installed for processes that a test starts."""

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from streams import extensions, timers
from streams.actions import ACTIONS as PERFORMERS
from streams.core import definition
from streams.core.actions import ACTIONS
from streams.core.actions.failures import FAILURES
from streams.core.activities import KINDS, SERVICES
from streams.core.activities.retry import POLICIES
from streams.core.step import ENTER

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
POINTS = [
    EntryPoint(name, value, group)
    for group, points in PROJECT["entry-points"].items()
    for name, value in points.items()
]
REGISTRIES: list[dict[Any, Any]] = [
    *(ACTIONS, PERFORMERS, FAILURES, SERVICES, KINDS, ENTER, POLICIES, timers.BACKENDS),
]


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Registries that are as they were after the test; the example can be imported."""
    before, loaded = [one.copy() for one in REGISTRIES], set(extensions._loaded)
    monkeypatch.syspath_prepend(str(HERE / "src"))
    yield
    for registry, kept in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(kept)
    extensions._loaded.clear()
    extensions._loaded.update(loaded)
    definition.rebuild()
    for name in [name for name in sys.modules if name.partition(".")[0] == "weir_example"]:
        del sys.modules[name]


@pytest.fixture
def extended(registries: None) -> None:
    """The example is loaded."""
    extensions.load(POINTS)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example is installed for processes that are started: what an installer writes, on their path.  The folder
    of its metadata.
    """
    site = tmp_path / "site"
    info = site / f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in PROJECT["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    monkeypatch.setenv("PYTHONPATH", f"{site}:{HERE / 'src'}")
    return info
