"""What is wrong with the settings, in words: values that do not fit, and names that nobody knows."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv.parser import parse_stream
from pydantic import ValidationError

from streams.core.misfit import bare
from streams.core.suggest import closest
from streams.secrets import PREFIX as SECRET
from streams.settings import PREFIX, Settings, variable

FILE = Path(".env")
NO_SETTINGS = frozenset(
    {
        *("WEIR_HOME", "WEIR_CACHE", "WEIR_PEERS_DIR"),
        *("WEIR_STACK_PORTS", "WEIR_STACK_DURABLE", "WEIR_STACK_WORKERS"),  # of weir.env, which shells may source
        *("WEIR_PROCESS", "WEIR_READY_FILE", "WEIR_RESTARTS", "WEIR_LAST_END"),  # what processes are told
    }
)
"""What else is read of the environment."""
FAMILIES = (SECRET, "WEIR_BENCH_", "WEIR_TEST_")
ALIKE = 0.8
"""All begin alike: less is not enough."""


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Names in ``environ`` and ``.env`` that look like settings and are none, each with its place.

    They are no mistake: the file may be of a newer Weir.
    """
    named = {f"{PREFIX}{name.upper()}": variable(name, field) for name, field in Settings.model_fields.items()}
    known = {*named.values(), *NO_SETTINGS}
    told = []
    for name, place in (*((name, "in the environment") for name in environ), *_written()):
        upper = name.upper()  # the case is of no account
        if upper.startswith(PREFIX) and upper not in known and not upper.startswith(FAMILIES):
            meant = f"Did you mean {named[upper]!r}?" if upper in named else closest(name, known, ALIKE)
            told.append(f"{name} {place} is no setting of this Weir: it does nothing{meant and f'. {meant}'}")
    return told


def _written() -> Iterator[tuple[str, str]]:
    """The names in ``.env``, with their lines."""
    if FILE.is_file():
        with FILE.open(encoding="utf-8") as stream:
            for one in parse_stream(stream):
                text = one.original.string
                before = text[: len(text) - len(text.lstrip())].count("\n")  # empty lines belong to what follows
                if one.key is not None:
                    yield one.key, f"in {FILE}, line {one.original.line + before},"


def misfits(error: ValidationError) -> str:
    """What does not fit, by the names that people set, and never with the values."""
    lines = [f"{_named(one['loc'])}: {bare(one['msg'])}" for one in error.errors()]
    return "The settings from environment, .env and weir.env do not fit:\n" + "\n".join(lines)


def _named(place: tuple[int | str, ...]) -> str:
    """The environment variable of the setting; pydantic names some by their field."""
    first, *inner = map(str, place or ("settings",))
    field = Settings.model_fields.get(first)
    return ".".join([first if field is None else variable(first, field), *inner])
