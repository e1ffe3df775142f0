"""Secrets that definitions name and never hold: ``${secrets.api_token}`` in the configuration of an action.

    request ─► marks ─► filled in here ─► performer ─► output or error ─► hidden again ─► command

A secret comes from ``WEIR_SECRET_API_TOKEN`` of the environment or ``.env``, else from the file ``api_token`` in the
folder ``WEIR_SECRETS_DIR``, as Docker and Kubernetes lay them out.  The folder is read each time, so a new one there
needs no restart.  What comes back from the world may repeat a secret; whatever is recorded or logged of that has
``***`` instead.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dotenv import dotenv_values

from streams.redaction import HIDDEN, MIN_LENGTH
from streams.settings import Settings

PREFIX = "WEIR_SECRET_"
MAX_BYTES = 64 * 1024
MIN_END = 4
"""So many characters of a secret are looked for at the end of a text."""


class UnknownSecretError(Exception):
    """A secret that is not there; the message says how to give it."""


class Secrets:
    """Secrets by name."""

    def __init__(self, environment: Mapping[str, str], folder: Path | None = None) -> None:
        self._environment, self._folder = environment, folder

    @classmethod
    def of(cls, settings: Settings) -> "Secrets":
        """Those of this process: its environment, its ``.env``, its folder."""
        written = {name: value for name, value in dotenv_values(".env").items() if value is not None}
        return cls({**written, **os.environ}, settings.secrets_dir)

    def value(self, name: str) -> str:
        """Raises ``UnknownSecretError``."""
        variable = PREFIX + name.upper()
        found = self._environment.get(variable) or self._in_folder(name)
        if not found:
            raise UnknownSecretError(
                f"Expected a secret {name!r}, but it is not set here. Set {variable} where the action worker runs, or "
                f"write it to a file {name!r} in the folder WEIR_SECRETS_DIR"
            )
        return found

    def all(self) -> set[str]:
        """The values of all that are there, for a redactor."""
        found = {value for name, value in self._environment.items() if name.startswith(PREFIX)}
        if self._folder is not None and self._folder.is_dir():
            found |= {self._in_folder(file.name) for file in self._folder.iterdir() if file.is_file()}
        return found - {""}

    def _in_folder(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            with (self._folder / name).open(encoding="utf-8") as file:
                return file.read(MAX_BYTES).removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            return ""


def hide(value: Any, secrets: Iterable[str]) -> Any:
    """``value``, any JSON, without the texts ``secrets``, as they are or as they look in URLs and JSON.

    A text that tells of something may have been cut within a secret: its first half is hidden, too, and what of it
    stands at the end.
    """
    spellings = {
        form for one in secrets for form in (one, quote(one, safe=""), json.dumps(one, ensure_ascii=False)[1:-1])
    }
    return _hidden(value, sorted(spellings - {""}, key=len, reverse=True))


def _without_beginning(value: str, secret: str) -> str:
    """A short secret begins like many a word."""
    if len(secret) < MIN_LENGTH:
        return value
    half, at = secret[: max(MIN_LENGTH, len(secret) // 2)], 0
    while (at := value.find(half, at)) >= 0:
        same = len(half)
        while secret.startswith(value[at : at + same + 1]) and at + same < len(value):
            same += 1
        value, at = value[:at] + HIDDEN + value[at + same :], at + len(HIDDEN)
    at = max(0, len(value) - len(half))
    while (at := value.find(secret[:MIN_END], at)) >= 0:  # a secret may be a whole certificate, a value a large text
        if secret.startswith(value[at:]):
            return value[:at] + HIDDEN
        at += 1
    return value


def _hidden(value: Any, texts: list[str]) -> Any:
    if isinstance(value, str):
        for text in texts:
            value = _without_beginning(value.replace(text, HIDDEN), text)
        return value
    if isinstance(value, dict):
        return {_hidden(key, texts): _hidden(item, texts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item, texts) for item in value]
    return value
