"""How far a partition is whose records are finished in any order."""

from collections import OrderedDict


class Progress:
    """How far a partition is: the lowest offset that is not finished, else the next to read."""

    def __init__(self, position: int) -> None:
        self._next = position
        self._open: OrderedDict[int, None] = OrderedDict()

    @property
    def position(self) -> int:
        return next(iter(self._open), self._next)

    def begin(self, offset: int) -> None:
        """The request at ``offset`` was taken."""
        self._open[offset] = None
        self._next = offset + 1

    def pass_to(self, offset: int) -> None:
        """Nothing before ``offset`` is left to be taken."""
        self._next = offset

    def finish(self, offset: int) -> None:
        """The request at ``offset`` is answered."""
        self._open.pop(offset, None)
