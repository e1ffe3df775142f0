"""What somebody who has sent things knows of them, for the checks that compare the log with it.

A load generator notes each send with the place that Kafka acknowledged.  A send whose outcome it does not know (the
producer raised, the process was killed) is noted as uncertain: it may be there, once, or not.  The ids of commands are
the sender's own, a new one for each send: who is uncertain and sends once more uses another.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

Place = tuple[int, int]
"""Partition and offset on ``process-commands``."""


class Acknowledged(NamedTuple):
    """A command that Kafka has acknowledged; ``command_id`` is the sender's own."""

    partition: int
    offset: int
    command_id: str | None = None


class Poison(NamedTuple):
    """A record that the roles of ``buried_by`` must refuse, each with one dead letter.

    ``topic`` is ``mqtt:<topic>`` for what came over MQTT; there, and where the send's outcome is unknown, ``offset`` is
    ``None`` and the letters are known by ``value``.  ``uncertain``: it may not be there.
    """

    topic: str
    partition: int
    offset: int | None
    value: bytes
    buried_by: Collection[str]
    uncertain: bool = False


class Reading(NamedTuple):
    """A telemetry record at its place, and the definitions of which it must start one instance each.

    ``uncertain``: it may start them or not, say because it may have been too old when the router came to it.
    """

    topic: str
    partition: int
    offset: int
    starts: Collection[str]
    uncertain: bool = False


class Effect(NamedTuple):
    """One performance of an action, as the world saw it; ``content`` is what it was asked to do."""

    idempotency_key: str
    content: bytes = b""


@dataclass
class Ledger:
    """Every performance of ``actions`` (their names): nothing else performed them.

    ``prompt``: somebody was always there to perform them, so no request may have met its deadline.
    """

    actions: Collection[str]
    effects: list[Effect] = field(default_factory=list)
    prompt: bool = False


@dataclass
class Sent:
    """All that was sent.  Without any, what is checked is what the log says of itself."""

    commands: list[Acknowledged] = field(default_factory=list)
    uncertain: set[str] = field(default_factory=set)
    """Ids of commands whose send may have failed."""
    poison: list[Poison] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    ledger: Ledger | None = None
    alone: bool = False
    """Nobody else has sent a command with an id, or poison: any other command or letter is one too many."""
