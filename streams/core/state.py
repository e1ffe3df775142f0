"""State: the entities in the processor's table, one msgpack record each, and the soft records beside them.

| entity     | table key                 | record                                                     |
|------------|---------------------------|------------------------------------------------------------|
| instance   | its id                    | ``Instance``; ``Finished`` once completed or cancelled     |
| key        | ``key:<business key>``    | ``Key``: what runs for the key, signals that came too early |
| definition | ``definition:<id>``       | ``DefinitionVersions``                                     |
| schedule   | ``schedule:<definition>`` | ``Schedule``: the clock of a definition                    |
| mailbox    | ``message:<correlation>`` | ``Mailbox``: who waits for messages, and messages that wait |

Each is the fold of its entity's events by ``apply``.  Soft records are no fold: ``verify`` skips them, and they start
empty after a rebuild.  ``latest:<topic>:<key path>:<key>`` holds the latest reading of a key as JSON,
``pattern:<definition id>:<trigger>:<key>`` a ``Window``: what a pattern knows of a key.

Instants are Unix milliseconds of plant time.  Every record carries ``v``; a field added later has a default.
"""

from typing import Any, Literal, NamedTuple, get_args

import msgspec

from streams.core.mailbox import Mailbox
from streams.core.parent import Parent
from streams.core.schedule import Schedule
from streams.core.tasks.task import Task

VERSION = 1
UNENDED = frozenset({"running", "suspended"})
LATEST_PREFIX = "latest:"
WINDOW_PREFIX = "pattern:"
TRACE_PREFIX = "trace:"
SOFT_PREFIXES = (LATEST_PREFIX, WINDOW_PREFIX, TRACE_PREFIX)
"""Of the records that are no fold."""


class Wait(msgspec.Struct, omit_defaults=True):
    """What an activity of an instance waits for.

    ``kind`` is ``action``, ``timer``, ``message``, ``task``, ``subprocess``, ``retry`` (the pause before another
    attempt), ``continue`` (more steps than one command runs) or ``incident`` (somebody has to look at it).
    ``execution`` numbers the activity's run within the instance; ``due`` is when a timer fires, an action is given up
    or tried again; ``attempt`` is that which is under way or comes next; ``name`` is the awaited message's, or the
    child's id; ``correlation`` the key under which the message is awaited; ``request`` what another attempt asks for.
    """

    kind: str
    execution: int
    due: int | None = None
    attempt: int = 1
    name: str | None = None
    request: dict[str, Any] | None = None
    correlation: str | None = None


class HeldSignal(msgspec.Struct, omit_defaults=True):
    """A signal that nobody has taken yet; ``expires`` holds for one that waits with a key, before any instance."""

    name: str
    payload: dict[str, Any]
    definition_id: str | None = None
    expires: int | None = None


class Failure(msgspec.Struct, omit_defaults=True):
    """Why an instance failed, and at which activity of which token; ``None`` where it was none."""

    error_type: str
    error: str
    activity_id: str | None = None
    token: str | None = None


class Held(msgspec.Struct, omit_defaults=True):
    """A command that came while the instance stood still; it is sent again when it goes on.

    ``command`` is its JSON form, ``place`` where it was awaited.
    """

    command: dict[str, Any]
    place: str | None = None


class QueuedRetry(msgspec.Struct, omit_defaults=True):
    """Somebody wants the instance to go on; it waits for one of the slots of its definition."""

    reason: str | None = None


class Scope(msgspec.Struct, omit_defaults=True):
    """Branches that an activity has opened, and waits for: ``parallel``, ``foreach`` or ``compensate``.

    ``token`` is the activity's own; ``open`` are the branches that are under way, ``done`` counts those that have
    completed, of which ``join`` must.  ``locals`` holds, by the branch's number, the variables of branches that have
    some of their own.

    A branch of a foreach is an item: ``begun`` have been so far, each beginning with itself as ``item`` and its
    position as ``index``; ``results`` collects what they yield, where that is asked for.  A compensate has the
    executions that are still to be undone as ``items``, the next one last.
    """

    kind: str
    activity_id: str
    token: str | None = None
    join: int = 0
    open: list[int] = []
    done: int = 0
    locals: dict[int, dict[str, Any]] = {}
    items: list[Any] = []
    item: str | None = None
    index: str | None = None
    begun: int = 0
    results: list[Any] | None = None


class Deadline(msgspec.Struct):
    """When an activity times out that has been entered."""

    execution: int
    due: int


class Compensation(msgspec.Struct, omit_defaults=True):
    """An activity that has completed and can be undone; ``variables`` are those that its branch had of its own."""

    activity_id: str
    execution: int
    token: str | None = None
    variables: dict[str, Any] | None = None


class Instance(msgspec.Struct, omit_defaults=True, tag="instance"):
    """A process instance that has not finished: it runs, or has failed or timed out, and then its waits are held.

    ``seq`` is that of its last event; ``steps`` counts the activities entered; ``waiting`` and ``deadlines`` are by
    place and ``scopes`` by the execution of the activity that owns one (``places``); ``timeout_at`` is the process's.

    ``held`` came while it did not run.
    """

    v: int
    id: str
    definition_id: str
    definition_version: int
    key: str | None
    status: str
    seq: int
    started_at: int
    updated_at: int
    variables: dict[str, Any]
    steps: int = 0
    waiting: dict[str, Wait] = {}
    signals: list[HeldSignal] = []
    failure: Failure | None = None
    tasks: dict[int, Task] = {}
    """The open ones, by their execution."""
    notices: list[int] = []
    """``seq`` of each ``notice_requested`` without an answer, the oldest first."""
    scopes: dict[str, Scope] = {}
    parent: Parent | None = None
    suspended_at: int | None = None
    held: list[Held] = []
    slot: bool = False
    """Whether it has asked for one of the slots of its definition, or has one."""
    deadlines: dict[str, Deadline] = {}
    timeout_at: int | None = None
    compensations: list[Compensation] = []
    reference: str | None = None
    """What people call it."""
    retry: QueuedRetry | None = None
    """Only of one that is ``BROKEN``."""


InstanceStatus = Literal["running", "suspended", "completed", "failed", "cancelled", "timeout"]
STATUSES: tuple[str, ...] = get_args(InstanceStatus)
BROKEN = frozenset({"failed", "timeout"})
"""Statuses of an instance that does not run any more and may be retried or cancelled."""


class Finished(msgspec.Struct, tag="finished"):
    """What stays of a completed or cancelled instance for a while, to refuse a second start and to answer a late
    signal.
    """

    v: int
    status: str
    seq: int
    ended_at: int


class Key(msgspec.Struct, omit_defaults=True, tag="key"):
    """A business key: ids of its running instances by definition, and signals that wait for one.

    ``seq`` is that of the key's own last event (``signal_buffered`` and so on), 0 when it never had one.  ``queued``
    are the instances that wait for those that run, by definition, in order; ``cooldowns`` tells until when a trigger,
    ``<definition>/<its place>``, starts nothing.
    """

    v: int
    key: str
    seq: int = 0
    updated_at: int = 0
    running: dict[str, list[str]] = {}
    signals: list[HeldSignal] = []
    queued: dict[str, list[str]] = {}
    cooldowns: dict[str, int] = {}


class Off(msgspec.Struct, omit_defaults=True):
    """Why a definition is deactivated; ``pruned``: the folder that was deployed had no such definition any more."""

    reason: str | None = None
    pruned: bool = False


class DefinitionVersions(msgspec.Struct, omit_defaults=True, tag="definition"):
    """The deployed versions of a definition, each with the hash of its content; and which of them starts instances.

    None does while it is ``off``.  ``chosen`` is the one that somebody has activated since the last deployment, 0 for
    none; ``retired`` are versions that start nothing even where they are asked for.  ``scheduled``: one of the versions
    has a trigger that lives in a schedule.
    """

    v: int
    id: str
    seq: int
    updated_at: int
    hashes: dict[int, str]
    off: Off | None = None
    chosen: int = 0
    retired: list[int] = []
    scheduled: bool = False

    @property
    def latest(self) -> int:
        """The newest version."""
        return max(self.hashes)

    @property
    def preferred(self) -> int | None:
        """The version that starts instances while the definition is on: the chosen one, else the newest not retired."""
        return self.chosen or max((one for one in self.hashes if one not in self.retired), default=None)

    @property
    def active(self) -> int | None:
        """The version that starts instances; ``None`` when none does."""
        return self.preferred if self.off is None else None

    def starts(self, version: int | None) -> bool:
        """Whether a start of ``version`` (``None``: the active one) is let in: others than the active one are, too."""
        return self.active is not None if version is None else self.off is None and version not in self.retired


Entity = Instance | Finished | Key | DefinitionVersions | Schedule | Mailbox


def key_entity(key: str) -> str:
    """The table key of a business key's entity."""
    return f"key:{key}"


def definition_entity(definition_id: str) -> str:
    """The table key of a definition's entity."""
    return f"definition:{definition_id}"


class Feed(NamedTuple):
    """Readings of one key: ``key_path`` is where the telemetry ``topic`` has it, empty for the triggers' default."""

    topic: str
    key_path: str
    key: str

    @property
    def record(self) -> str:
        """The table key of the soft record that holds the latest reading."""
        return f"{LATEST_PREFIX}{self.topic}:{self.key_path}:{self.key}"


class WindowName(NamedTuple):
    """Of the window that the pattern at place ``trigger`` of a definition's triggers has for ``key``."""

    definition_id: str
    trigger: int
    key: str

    @property
    def record(self) -> str:
        """The table key of the soft record."""
        return f"{WINDOW_PREFIX}{self.definition_id}:{self.trigger}:{self.key}"

    @classmethod
    def of(cls, record: str) -> "WindowName":
        """From the table key."""
        _, definition_id, trigger, key = record.split(":", 3)
        return cls(definition_id, int(trigger), key)
