"""Ids in the XML.

An id of XML (an ``NCName``) begins with a letter or ``_``, those of activities with a letter or a digit: so those that
begin with ``_`` are free for what has no id in the definition.  Ids of shapes and the like begin with ``__`` and a word
that no element's id has there.
"""

from collections.abc import Iterable


class Names:
    """Gives ids, each once."""

    def __init__(self, process: str, activities: Iterable[str]) -> None:
        """The process and the activities keep theirs, as far as XML lets them."""
        self._taken: set[str] = set()
        self.process = self.fresh(ncname(process))
        self._of = {one: self.fresh(ncname(one)) for one in activities}

    def of(self, activity: str) -> str:
        """Raises ``KeyError``."""
        return self._of[activity]

    def fresh(self, wanted: str) -> str:
        """``wanted``, or that behind as many ``_`` as make it new."""
        while wanted in self._taken:
            wanted = f"_{wanted}"
        self._taken.add(wanted)
        return wanted


def ncname(name: str) -> str:
    """The id of a definition or an activity, for XML."""
    return name if name[0].isalpha() else f"_{name}"
