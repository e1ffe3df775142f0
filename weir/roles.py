"""Weir's own roles as processes of the embedded stack: one process each, the settings in its environment."""

import sys
from pathlib import Path

import psutil

from streams import ready
from streams.settings import Settings
from weir.home import environment
from weir.role import MODULES
from weir.stack.process import ProcessSpec

MODULE = "weir.role"


class NotReadyError(Exception):
    """The role has not said yet that it works."""


def role_specs(settings: Settings, home: Path) -> list[ProcessSpec]:
    """How to start each role with these settings."""
    return [role_spec(name, settings, home) for name in MODULES]


def role_spec(name: str, settings: Settings, home: Path) -> ProcessSpec:
    """How to start one role, and how to tell that it works: it writes its pid when it does."""
    file = home / "run" / f"{name}.ready"
    file.parent.mkdir(parents=True, exist_ok=True)
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", MODULE, name),
        env=environment(settings) | {ready.VARIABLE: str(file)},
        cwd=home,
        ready=lambda: check_ready(file, name),
    )


def check_ready(file: Path, name: str) -> str:
    """A role's check.  Raises ``NotReadyError`` until a process that still runs has announced itself in ``file``."""
    try:
        pid = int(file.read_text(encoding="utf-8"))
        command = psutil.Process(pid).cmdline()
    except (OSError, ValueError, psutil.Error) as error:
        raise NotReadyError(f"{name} has not announced that it is ready") from error
    if MODULE not in command or name not in command:
        raise NotReadyError(f"{name} has not announced that it is ready: pid {pid} is another program")
    return "ready"
