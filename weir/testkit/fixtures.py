"""Fixtures for tests in Python; a conftest.py takes them in by ``pytest_plugins = ["weir.testkit.fixtures"]``.

```python
def test_it_cools(weir_plant):
    plant = weir_plant("definitions/temperature-control.yaml", stubs={"activate_cooling": [{"error": "unavailable"}]})
    plant.read("heatpump-telemetry", {"tags": {"device_id": "p1"}, "fields": {"flow_temp_c": 31.0}})
    plant.pass_time(5 * 60_000)
    (instance,) = observe(plant)
    assert instance.status == "failed"
```

``weir.testkit.plant.VirtualPlant`` says what a plant can do, ``weir.testkit.observed.observe`` what became of its
instances.  Tests that use the plant are no coroutines: it performs actions in an event loop of its own.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from streams.core.durations import parse_instant_ms
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import load_topics
from weir.testkit.observed import Observed, observe
from weir.testkit.plant import VirtualPlant, answers

__all__ = ["Observed", "PlantFactory", "observe", "weir_plant"]


class PlantFactory(Protocol):
    """Makes a plant in memory with the definitions in these files.

    ``begins`` is the plant time at first; ``stubs`` are answers by activity or action: ``{output: …}``, or
    ``{error: type, message: …, retryable: …}``; ``topics_file`` is as WEIR_TOPICS_FILE.  Raises ``DefinitionError``.
    """

    def __call__(
        self,
        *definitions: str | Path,
        begins: str = "2026-01-01T00:00:00Z",
        stubs: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
        topics_file: str | Path | None = None,
    ) -> VirtualPlant: ...


@pytest.fixture
def weir_plant() -> PlantFactory:
    """Makes plants in memory: ``PlantFactory``."""

    def make(
        *definitions: str | Path,
        begins: str = "2026-01-01T00:00:00Z",
        stubs: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
        topics_file: str | Path | None = None,
    ) -> VirtualPlant:
        settings = Settings() if topics_file is None else Settings(topics_file=Path(topics_file))
        known = {name: answers(given) for name, given in (stubs or {}).items()}
        confined = settings.script_sandbox == "required"
        plant = VirtualPlant(load_topics(settings), parse_instant_ms(begins), known, confined=confined)
        for path in definitions:
            plant.deploy(parse_definition(Path(path).read_text(encoding="utf-8"), str(path)))
        return plant

    return make
