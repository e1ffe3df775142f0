"""What somebody may have meant, for error messages."""

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 12


def closest(name: str, known: Iterable[str], alike: float = 0.7) -> str:
    """``Did you mean 'x'?``, or nothing where none is so much ``alike``, of 1."""
    names = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), names, n=1, cutoff=alike)
    return f"Did you mean {names[close[0]]!r}?" if close else ""


def suggest(name: str, known: Iterable[str], kind: str) -> str:
    """``Did you mean 'x'?``, or what there is: ``The variables are: x, y``."""
    names = list(dict.fromkeys(known))
    if not names:
        return f"There is no {kind}"
    if close := closest(name, names):
        return close
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"There is: {shown}" if len(names) == 1 else f"There are: {shown}"
