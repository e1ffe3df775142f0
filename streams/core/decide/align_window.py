"""``align_window``: the definitions have changed, or the partition has a new owner; asked by the processor itself."""

from streams.core import matching
from streams.core.commands import AlignWindow
from streams.core.state import WindowName
from streams.core.turn import Turn


def align_window(turn: Turn, command: AlignWindow) -> None:
    """Drop the window, open it, or leave it as it is."""
    matching.align(turn, WindowName.of(command.record))
