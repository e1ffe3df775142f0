"""Weir's own roles as processes of the embedded stack: the settings in their environment, a member id of their own.

``role_spec`` is one process that is started once; ``worker_specs`` are those that the supervisor keeps running, so many
of each role.  The first worker of a role is named after it, the others ``processor-2``, ``processor-3`` …; under its
name a worker keeps its place in its consumer group over restarts (static membership).
"""

import hashlib
import os
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from streams import ready
from streams.settings import Settings
from streams.topics import STATION_TOPICS, Topics
from weir.home import environment
from weir.role import MODULES
from weir.stack.process import ProcessSpec
from weir.stack.workers import WorkerSpec

MODULE = "weir.role"
ALONE = frozenset({"api", "bridge"})
"""Roles of which there is one on a machine: an MQTT session has one client, the gateway one port."""


def unneeded(topics: Topics) -> dict[str, int]:
    """Roles that nothing is there for, each with 0: how many of it there shall be."""
    return {} if topics.telemetry.keys() >= STATION_TOPICS else {"station": 0}


def worker_specs(settings: Settings, home: Path, counts: Mapping[str, int]) -> list[WorkerSpec]:
    """How to start so many workers of each role (1 of one that is not named)."""
    prefix, reads = settings.member_id or home_id(home), _contents(settings)
    return [
        _worker(role, name, settings.model_copy(update={"member_id": f"{prefix}-{name}"}), home, reads)
        for role in MODULES
        for name in _names(role, counts.get(role, 1))
    ]


def role_spec(name: str, settings: Settings, home: Path) -> ProcessSpec:
    """How to start one role once, and how to tell that it works: it writes its pid when it does."""
    spec = _worker(name, name, settings, home)
    Path(spec.ready_file).parent.mkdir(parents=True, exist_ok=True)
    return spec.process()


def _names(role: str, count: int) -> list[str]:
    return [role if number == 1 else f"{role}-{number}" for number in range(1, count + 1)]


def _worker(role: str, name: str, settings: Settings, home: Path, reads: str = "") -> WorkerSpec:
    file = home / "run" / f"{name}.ready"
    return WorkerSpec(
        name=name,
        role=role,
        argv=(sys.executable, "-m", MODULE, role),
        env=environment(settings) | {ready.VARIABLE: str(file)},
        cwd=str(home),
        ready_file=str(file),
        reads=reads,
    )


def _contents(settings: Settings) -> str:
    """A digest of the files that the settings name, which roles read once."""
    paths = [value for _, value in settings if isinstance(value, Path) and value.is_file()]
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()


def home_id(home: Path) -> str:
    """The home's part of its workers' member ids: made once, the same for ever, and no other home's."""
    path, own = home / "id", home / f"id.{os.getpid()}"
    if not path.exists():
        own.write_text(uuid.uuid4().hex[:12], encoding="utf-8")
        with suppress(FileExistsError):  # another command was faster
            os.link(own, path)
        own.unlink()
    return path.read_text(encoding="utf-8")
