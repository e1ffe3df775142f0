"""What somebody may have meant, for error messages."""

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 12


def suggest(name: str, known: Iterable[str], kind: str) -> str:
    """``Did you mean 'x'?``, or what there is: ``The variables are: x, y``."""
    names = list(dict.fromkeys(known))
    if not names:
        return f"There is no {kind}"
    if close := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"Did you mean {close[0]!r}?"
    by_lower = {candidate.lower(): candidate for candidate in names}
    if name.lower() in by_lower:
        return f"Did you mean {by_lower[name.lower()]!r}?"
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"There is: {shown}" if len(names) == 1 else f"There are: {shown}"
