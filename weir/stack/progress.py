"""How long work reports where it is."""

from collections.abc import Callable

Progress = Callable[[str, float | None], None]
"""Called with the step in words and its share done (0 to 1), or ``None`` when the share is not known."""


def silent(_step: str, _share: float | None) -> None:
    """For callers that do not show progress."""
