"""What a verification finds."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the log says, or that the log itself must not say.

    ``kind`` is the check's name; ``subject`` an instance id, ``key:<business key>``, ``definition:<id>`` or a
    partition; ``seq`` the event at which it differs, where there is one.
    """

    kind: str
    subject: str
    seq: int | None
    message: str


@dataclass(frozen=True)
class Report:
    """``instances`` that the log has started in ``partitions``, their ``events``, and what differs.

    ``expired`` of the instances ended so long ago that the database need not hold them, and were not looked for there.
    """

    instances: int
    events: int
    partitions: int
    differences: list[Difference] = field(default_factory=list)
    expired: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything is equal."""
        return not self.differences

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"ok": self.ok, **asdict(self)}
