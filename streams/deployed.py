"""The topic ``process-definitions``, decoded: versions, and what is active of them.

``streams.core.decide.published`` writes its records.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from streams.codec import UpgradeError
from streams.core.decide.published import ACTIVATION, ACTIVATION_FORMAT, VERSION_FORMAT
from streams.core.state import Off


class DeployedVersion(msgspec.Struct, kw_only=True):
    """One deployed version; ``definition`` stays JSON, ``deployed_at`` is plant time.

    ``source`` is the text that somebody wrote, ``origin`` a ``commands.Origin`` as JSON.
    """

    v: int
    id: str
    version: int
    hash: str
    name: str
    definition: msgspec.Raw
    deployed_at: datetime
    source: str | None = None
    origin: dict[str, Any] | None = None


class Activation(msgspec.Struct, kw_only=True):
    """Which version of a definition starts instances; ``changed_at`` is plant time."""

    v: int
    id: str
    active: int | None
    off: Off | None = None
    retired: list[int] = []
    changed_at: datetime

    def starts(self, version: int | None) -> bool:
        """Whether a start of ``version`` (``None``: the active one) is let in."""
        return self.active is not None if version is None else self.off is None and version not in self.retired


class _Head(msgspec.Struct):
    v: int
    id: str
    version: int | None = None
    kind: str | None = None


_head = msgspec.json.Decoder(_Head)
_version = msgspec.json.Decoder(DeployedVersion)
_activation = msgspec.json.Decoder(Activation)


def decode_deployed(raw: bytes) -> DeployedVersion | Activation:
    """A record of the topic.  Raises ``UpgradeError`` for one of a newer Weir, ``msgspec.MsgspecError``."""
    head = _head.decode(raw)
    is_activation = head.kind == ACTIVATION
    if head.v > (ACTIVATION_FORMAT if is_activation else VERSION_FORMAT):
        what = head.id if head.version is None else f"{head.id}:{head.version}"
        raise UpgradeError(f"Definition {what} has format v{head.v}: upgrade this Weir")
    return _activation.decode(raw) if is_activation else _version.decode(raw)


@dataclass(slots=True)
class Deployed:
    """All that the topic tells of one definition."""

    id: str
    versions: dict[int, DeployedVersion] = field(default_factory=dict)
    activation: Activation | None = None

    @property
    def newest(self) -> int:
        return max(self.versions)

    @property
    def active(self) -> int | None:
        """The version that starts instances; ``None`` when none does."""
        return self.newest if self.activation is None else self.activation.active

    @property
    def off(self) -> Off | None:
        return None if self.activation is None else self.activation.off

    def state_of(self, version: int) -> str:
        """``active``; ``deactivated``, which starts nothing; ``standby``, which starts where it is asked for."""
        if version == self.active:
            return "active"
        return "standby" if self.activation is None or self.activation.starts(version) else "deactivated"


def fold_deployed(records: "list[DeployedVersion | Activation]") -> dict[str, Deployed]:
    """Definitions by id, from records in the topic's order."""
    found: dict[str, Deployed] = {}
    for record in records:
        one = found.setdefault(record.id, Deployed(record.id))
        if isinstance(record, Activation):
            one.activation = record
        else:
            one.versions[record.version] = record
    return dict(sorted(found.items()))
