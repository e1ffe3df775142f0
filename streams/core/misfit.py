"""What pydantic says of a value that does not fit, as people read it."""

_OURS = "Value error, "
"""Pydantic puts this before what a validator of our own says, and so does typer."""


def bare(message: str) -> str:
    """The message alone."""
    return message.removeprefix(_OURS)
