"""What is wrong with the settings, in words."""

from pydantic import ValidationError

from streams.core.misfit import bare
from streams.settings import Settings, variable


def misfits(error: ValidationError) -> str:
    """What does not fit, by the names that people set, and never with the values."""
    lines = [f"{_named(one['loc'])}: {bare(one['msg'])}" for one in error.errors()]
    return "The settings from environment, .env and weir.env do not fit:\n" + "\n".join(lines)


def _named(place: tuple[int | str, ...]) -> str:
    """The environment variable of the setting; pydantic names some by their field."""
    first, *inner = map(str, place or ("settings",))
    field = Settings.model_fields.get(first)
    return ".".join([first if field is None else variable(first, field), *inner])
