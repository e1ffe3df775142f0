"""``compensate``: undo activities that have completed, the last one first, each by its ``compensation``.

```yaml
- {id: undo, type: compensate}                          # all of them
- {id: release, type: compensate, activity: reserve}    # only what this one has done, each time
```
"""

from dataclasses import dataclass
from typing import Literal

from streams.core.activities.base import Continuing, Kind, Node
from streams.core.scalars import ActivityId


class Compensate(Continuing):
    """``activity`` is one that has a ``compensation``."""

    type: Literal["compensate"]
    activity: ActivityId | None = None

    def waits(self) -> bool:
        """To undo something may take time."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensateNode(Node):
    """``activity`` narrows what is undone."""

    activity: str | None


COMPENSATE = Kind(Compensate, lambda model: CompensateNode(id=model.id, next=model.next, activity=model.activity))
