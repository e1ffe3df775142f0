"""Options that several commands share, and how their values are read."""

import contextlib
import time
from typing import Annotated, Any

import orjson
import typer

from streams.core import ids
from streams.core.durations import parse_duration_ms, parse_instant_ms
from weir.cli.session import session_of


def _remember_json(ctx: typer.Context, value: bool) -> bool:
    session_of(ctx).json = value
    return value


Json = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout and nothing else.", callback=_remember_json)
]
Key = Annotated[str | None, typer.Option("--key", "-k", help="The business key: the thing the process is about.")]
Instance = Annotated[str | None, typer.Option("--instance", "-i", metavar="ID", help="The instance.")]
Definition = Annotated[str | None, typer.Option("--definition", "-d", help="Only instances of this definition.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="From then on: RFC 3339, or an age: 2h.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then: RFC 3339, or an age.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait for the outcome.")]


def parse_object(text: str, option: str) -> dict[str, Any]:
    """The JSON object in an option's value.  Raises ``typer.BadParameter``."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"Expected a JSON object, but got {text[:80]!r}: {error}", param_hint=option) from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"Expected a JSON object, but got {text[:80]!r}", param_hint=option)
    return value


def parse_variables(pairs: list[str], text: str | None) -> dict[str, Any]:
    """The variables of ``--vars JSON`` and of each ``--var name=value``, which wins.

    A value that is JSON is that (``25.5``, ``true``, ``[1]``), anything else is text.  Raises ``typer.BadParameter``.
    """
    variables = parse_object(text, "--vars") if text is not None else {}
    return variables | parse_pairs(pairs, "--var")


def parse_pairs(pairs: list[str], option: str) -> dict[str, Any]:
    """What each ``name=value`` says: JSON where it is that, else text.  Raises ``typer.BadParameter``."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"Expected name=value, but got {pair[:80]!r}", param_hint=option)
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
    return found


def check_target(instance: str | None, key: str | None) -> str | None:
    """The instance id in canonical form; exactly one of the two must be given.  Raises ``typer.BadParameter``."""
    if (instance is None) == (key is None):
        raise typer.BadParameter("Expected an instance or --key, and not both", param_hint="ID / --key")
    return None if instance is None else check_instance(instance, "ID")


def check_instance(text: str, option: str) -> str:
    """The instance id in canonical form.  Raises ``typer.BadParameter``."""
    try:
        return ids.check_instance_id(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def moment_ms(text: str | None, option: str) -> int | None:
    """Unix ms of an instant, or of a moment so long ago, by the wall.  Raises ``typer.BadParameter``."""
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return round(time.time() * 1000) - parse_duration_ms(text)
    try:
        return parse_instant_ms(text)
    except ValueError:
        raise typer.BadParameter(
            f"Expected an instant such as 2026-11-21T02:00:00Z, or an age such as 2h, but got {text!r}",
            param_hint=option,
        ) from None
