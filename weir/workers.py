"""How many workers of each role: ``--workers 3``, or ``--workers processor=3,actions=2``."""

from weir.role import MODULES
from weir.roles import ALONE

DEFAULT_ROLE = "processor"
MOST = 64
"""More processes of a role on one machine are a slip of the finger."""


def parse_workers(text: str) -> dict[str, int]:
    """The counts that ``text`` names; a bare number is that of processors.  Raises ``ValueError``."""
    counts: dict[str, int] = {}
    for part in text.split(","):
        role, equals, number = part.strip().rpartition("=")
        role = role.strip() if equals else DEFAULT_ROLE
        if role not in MODULES:
            raise ValueError(f"Expected one of {', '.join(MODULES)}, but got {role!r}")
        if role in counts:
            raise ValueError(f"Expected {role} once, but got it twice")
        most = 1 if role in ALONE else MOST
        if not number.strip().isdecimal() or not 0 <= int(number) <= most:
            raise ValueError(f"Expected 0 to {most} workers as {role}, but got {number.strip()!r}")
        counts[role] = int(number)
    return counts
