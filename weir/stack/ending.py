"""How a process ended, in words."""

import signal


def how_ended(code: int | None) -> str:
    """``code`` is as ``subprocess`` has it; ``None``: the process was another one's child, which alone was told."""
    if code is None:
        return "an unknown exit code"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
