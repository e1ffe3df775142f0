"""What a replay says: while it works, and at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Progress:
    """Where a replay is: ``done`` of ``total`` offsets, of which ``here`` by this run, in ``seconds``.

    ``total`` grows while the live system goes on.  ``records`` is what this run has read, while it does: fewer than
    ``here``, since a transaction's marker takes an offset too, and kept telemetry is not read.
    """

    step: str
    done: int = 0
    total: int = 0
    here: int = 0
    records: int = 0
    seconds: float = 0.0


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class TableReport:
    """Rows of a table: in the new one, counted after the swap, and ``before``, in the one that it replaced."""

    rows: int
    before: int


@dataclass(frozen=True)
class ReplayReport:
    """What a replay did.

    ``records`` were read and projected by this run, ``refused`` of them are no readings (they are dead letters already,
    and not sent again); ``kept_rows`` of telemetry were copied by this run, since the topics no longer hold them.
    ``resumed``: an earlier run had begun.  ``held_s``: for how long at most the live projector was made to wait.
    """

    tables: dict[str, TableReport]
    records: int
    refused: int
    kept_rows: int
    resumed: bool
    seconds: float
    held_s: float
    swapped_at: datetime
