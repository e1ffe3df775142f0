"""``end``: the process is complete.  May be left out; then the process ends behind its last activity."""

from dataclasses import dataclass
from typing import Literal

from streams.core.activities.base import Activity, Kind, Node


class End(Activity):
    """There may be several, to tell outcomes apart."""

    type: Literal["end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndNode(Node):
    """Nothing comes next."""


END = Kind(End, lambda model: EndNode(id=model.id))
