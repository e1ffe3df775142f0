"""Secrets stay out of whatever is printed.

    SecretUrl      a URL whose text forms hide the password: where a setting that holds one is shown by mistake
    redact         takes the secrets of this process's settings out of a text
    guard_output   the second line: says what they are, and has stderr redacted

The first line is that nobody prints them.  The second is for what other people's code prints: a library's message that
repeats the URL it was given, a traceback, a warning.
"""

import sys
from collections.abc import Iterable
from typing import Any, Self, TextIO
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function, str_schema

HIDDEN = "***"
MIN_LENGTH = 8
"""A shorter secret is not looked for in texts: it would be found in words that are none."""
SECRET_PARAMETERS = frozenset({"password", "sslpassword"})
"""Of a PostgreSQL URL's query."""

_secrets: list[str] = []
"""Of this process, the longest first."""


class SecretUrl(str):
    """The whole URL to whoever works with it as text, ``url + "x"`` or ``url.encode()`` too; without the password to
    whoever prints or formats it.  ``reveal`` gives the plain text.
    """

    __slots__ = ()

    def __new__(cls, url: str) -> Self:
        return super().__new__(cls, url[:])  # str(url) would be without the password

    def reveal(self) -> str:
        """The whole URL."""
        return self[:]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        return no_info_after_validator_function(cls, str_schema())

    def __str__(self) -> str:
        return without_password(self[:])

    def __repr__(self) -> str:
        return repr(without_password(self[:]))

    def __format__(self, spec: str) -> str:
        return format(without_password(self[:]), spec)


def without_password(url: str) -> str:
    """The URL as it may be shown.  Where it cannot be told apart, nothing of it is shown but the scheme."""
    url = url[:]
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        parts.port  # noqa: B018  raises for a password with a character that should have been escaped
    except ValueError:
        return f"{url.partition('://')[0]}://{HIDDEN}"
    user, at, host = parts.netloc.rpartition("@")
    hidden = parts
    if at and ":" in user:
        hidden = hidden._replace(netloc=f"{user.partition(':')[0]}@{host}")
    if any(name in SECRET_PARAMETERS for name, _ in query):
        kept = [(name, value) for name, value in query if name not in SECRET_PARAMETERS]
        hidden = hidden._replace(query=urlencode(kept, safe="/:"))
    return url if hidden is parts else urlunsplit(hidden)


def secrets_of_url(url: str) -> set[str]:
    """The passwords in a URL, as written and as meant."""
    try:
        parts = urlsplit(url[:])
        query = parse_qsl(parts.query)
    except ValueError:
        return set()
    user, at, _ = parts.netloc.rpartition("@")
    written = user.partition(":")[2] if at else ""
    return {written, unquote(written), *(value for name, value in query if name in SECRET_PARAMETERS)} - {""}


def redact(text: str) -> str:
    """``text`` without the secrets that ``guard_output`` was told."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    return text


class _Guarded:
    """A text stream whose writes are redacted; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(redact(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_output(secrets: Iterable[str]) -> None:
    """Redact what this process writes to stderr from now on; stdout, which holds answers, is left alone."""
    _secrets[:] = sorted({secret for secret in secrets if len(secret) >= MIN_LENGTH}, key=len, reverse=True)
    if not isinstance(sys.stderr, _Guarded):
        sys.stderr = _Guarded(sys.stderr)
