"""A home directory: what ``weir up`` leaves for the commands that follow.

``<home>/weir.env`` holds the settings of the plant that was started there, as environment variables, so that every
command finds it and a shell can source it.  A setting comes from, first found: the environment, ``./.env``,
``weir.env``, the default.
"""

import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr

from streams.redaction import SecretUrl
from streams.settings import Settings, variable
from weir.stack.ports import Ports

DEFAULT_HOME = Path(".weir")
FILE = "weir.env"
PROJECT = Path(__file__).resolve().parents[1]
"""Where ``definitions/`` and ``redpanda/`` are, for a user in another directory."""
_PORTS = "WEIR_STACK_PORTS"
_DURABLE = "WEIR_STACK_DURABLE"
_WORKERS = "WEIR_STACK_WORKERS"


def load_settings(home: Path) -> Settings:
    """The settings that hold for a command with this home.  Raises pydantic's ``ValidationError``."""
    settings = Settings(_env_file=(home / FILE, ".env"))  # type: ignore[call-arg]  # pydantic-settings' own argument
    if "topics_file" not in settings.model_fields_set and not settings.topics_file.exists():
        settings = settings.model_copy(update={"topics_file": PROJECT / settings.topics_file})
    return settings


def load_stack_options(home: Path) -> tuple[Ports | None, bool]:
    """The ports of the home's services, ``None`` when nothing was started there yet, and whether they are durable."""
    values = dotenv_values(home / FILE)
    ports = values.get(_PORTS)
    return Ports(*map(int, ports.split(","))) if ports else None, values.get(_DURABLE) != "no"


def load_workers(home: Path) -> dict[str, int]:
    """How many workers the home has had, by role; roles that were never named are not among them."""
    parts = (dotenv_values(home / FILE).get(_WORKERS) or "").split(",")
    return {role: int(count) for role, _, count in (part.partition("=") for part in parts if part)}


def save(
    home: Path,
    settings: Settings,
    ports: Ports,
    *,
    durable: bool,
    workers: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Write ``weir.env``; only its owner may read it, since it may hold a password."""
    numbers = (ports.kafka, ports.kafka_controller, ports.postgres, ports.mqtt, ports.api)
    values = environment(settings) | {
        _PORTS: ",".join(map(str, numbers)),
        _DURABLE: "yes" if durable else "no",
        _WORKERS: ",".join(f"{role}={count}" for role, count in workers.items()),
    }
    path = home / FILE
    temporary = path.with_suffix(".env.new")
    temporary.touch(mode=0o600)
    temporary.write_text("".join(f"{name}={_quote(value)}\n" for name, value in values.items()), encoding="utf-8")
    temporary.replace(path)


def environment(settings: Settings) -> dict[str, str]:
    """The environment variables that give another process exactly these settings; paths are made absolute."""
    found = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if value is not None:
            found[variable(name, field)] = _text(value)
    return found


def forget_settings(environ: MutableMapping[str, str]) -> None:
    """Remove whatever ``Settings`` reads from ``environ``: for a plant that must not follow the user's own."""
    names = {variable(name, field) for name, field in Settings.model_fields.items()}
    for name in [name for name in environ if name.upper() in names]:
        del environ[name]


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretUrl):
        return value.reveal()
    if isinstance(value, dict):
        return json.dumps({key: _text(item) for key, item in value.items()})
    return str(value.absolute()) if isinstance(value, Path) else str(value)


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
