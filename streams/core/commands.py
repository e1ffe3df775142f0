"""Commands: what anyone may ask of the processor, as JSON objects on the topic ``process-commands``.

A command is imperative and may be refused.  ``type`` selects the command; a field that the command does not have is
refused by name.  ``v`` is the version of the record's format, ``id`` the sender's own id of the command: it comes back
in a rejection, so that a sender finds the outcome.  The record's key is the business key (UTF-8), its partition
``murmur2(key)``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from streams.core.parent import Parent
from streams.core.tasks.task import split_task_id

VERSION = 1
MAX_TTL_MS = 30 * 86_400_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
MAX_REASON = 4000
Reason = Annotated[str, msgspec.Meta(max_length=MAX_REASON)]
OriginText = Annotated[str, msgspec.Meta(max_length=1000)]
MAX_SOURCE = 100_000
"""Characters of a definition's text: it travels beside the definition, in one command."""
Source = Annotated[str, msgspec.Meta(max_length=MAX_SOURCE)]
Token = Annotated[str, msgspec.Meta(max_length=40)]
"""A branch's line of execution, as the event that is answered has it: ``places``."""


class Command(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True):
    """What every command carries."""

    v: int = VERSION
    id: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class StartProcess(Command, tag="start_process"):
    """Start an instance of ``definition_id``.

    ``definition_version`` defaults to the active one.  ``key`` is the business key: with ``mode: single`` a
    key has one running instance a definition.  ``instance_id`` is the caller's own (``ids.instance_id``), at most five
    minutes from the command's time.  ``trigger`` tells the history what caused the start.  ``not_after`` is the plant
    time after which the start is refused as ``stale``, however long the command waited: a reading's is its age limit.
    ``parent`` is the activity of another instance that has the process started, and is told of its end.
    """

    definition_id: Name
    definition_version: int | None = None
    key: Key | None = None
    instance_id: str | None = None
    variables: dict[str, Any] = {}
    trigger: dict[str, Any] = {}
    not_after: Instant | None = None
    parent: Parent | None = None


class Signal(Command, tag="signal"):
    """Deliver message ``name`` to an instance, or to the running instances of ``key`` (``definition_id`` narrows them).

    It waits with the instance, or with the key, until an activity of type ``message`` takes it.
    """

    name: Name
    instance_id: str | None = None
    key: Key | None = None
    definition_id: Name | None = None
    payload: dict[str, Any] = {}


class Cancel(Command, tag="cancel"):
    """End an instance, or the running instances of ``key`` (``definition_id`` narrows them).

    ``by_parent``: sent by the processor for a child that nobody waits for any more.
    """

    instance_id: str | None = None
    key: Key | None = None
    definition_id: Name | None = None
    reason: Reason | None = None
    by_parent: bool = False


class Suspend(Command, tag="suspend"):
    """Let a running instance stand still, or the running instances of ``key``, until ``resume``.

    What comes for it meanwhile is held: answers, signals, moments.
    """

    instance_id: str | None = None
    key: Key | None = None
    definition_id: Name | None = None
    reason: Reason | None = None


class Resume(Command, tag="resume"):
    """Let a suspended instance go on, or the suspended instances of ``key``; what was held comes first.

    ``timers``: ``fire`` those that came due meanwhile at once, or ``shift`` all of them by as long as it stood still.
    The default is what the definition says under ``on_resume``.
    """

    instance_id: str | None = None
    key: Key | None = None
    definition_id: Name | None = None
    timers: Literal["fire", "shift"] | None = None
    reason: Reason | None = None


class Retry(Command, tag="retry"):
    """Let an instance go on at the activity where it failed, or at all that incidents have stopped."""

    instance_id: str
    reason: Reason | None = None


class SetVariables(Command, tag="set_variables"):
    """Set variables of an instance that has not ended, a failed one included: to correct it before ``retry``."""

    instance_id: str
    variables: dict[str, Any]
    reason: Reason | None = None


class Migrate(Command, tag="migrate"):
    """Let an instance go on with another version of its definition.

    ``activities`` maps ids of activities to those of the new version, where they differ.  ``variables`` are those that
    only the new version has.
    """

    instance_id: str
    version: int
    activities: dict[Name, Name] = {}
    variables: dict[str, Any] = {}
    reason: Reason | None = None


class PublishMessage(Command, tag="publish_message"):
    """A message for whoever waits for ``name`` under ``correlation_key``, which is the record's key, now or soon.

    Where nobody waits it starts the processes that have a trigger for it; where there are none it is kept for
    ``ttl_ms`` (plant time, by default an hour; 0: not at all).  For as long a second one with the same ``message_id``
    is refused.
    """

    name: Name
    correlation_key: Key
    payload: dict[str, Any] = {}
    ttl_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_TTL_MS)] | None = None
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class _OfSubscription(Command):
    """Which activity waits for message ``name`` under ``correlation_key``.  These are sent by the processor."""

    name: Name
    correlation_key: Key
    instance_id: str
    activity_id: Name
    execution: int
    token: Token | None = None


class Subscribe(_OfSubscription, tag="subscribe"):
    """An activity waits for a message.  Goes to the partition of ``correlation_key``."""


class Unsubscribe(_OfSubscription, tag="unsubscribe"):
    """The activity does not wait any more."""


class Deliver(_OfSubscription, tag="deliver", kw_only=True):
    """A message for an activity that has subscribed.  Sent by the processor, to the partition of the instance.

    ``expires_ms`` is until when it is kept where it comes back, in Unix milliseconds of plant time.
    """

    payload: dict[str, Any]
    expires_ms: int


class ReturnMessage(Command, tag="return_message"):
    """A message that was delivered to nobody: the activity had stopped waiting.  It is kept for the next one."""

    name: Name
    correlation_key: Key
    payload: dict[str, Any]
    expires_ms: int


class Observe(Command, tag="observe"):
    """The latest reading of ``key`` on telemetry ``topic``, for variables that stay live.  Sent by the router.

    ``key_path`` is where the reading has the key, empty where triggers look by default: device 7 is not room 7.
    """

    topic: Name
    key: Key
    reading: dict[str, Any]
    key_path: str = ""


class Origin(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Who changes a definition, and where its file stands.  For people: nothing is decided by it.

    ``by`` is who sent the command; ``commit`` and ``author`` are Git's, of the last commit of the folder that ``path``
    is in (relative to the repository's root); ``dirty``: the file differs from that commit.  ``template`` is what the
    definition was made from.
    """

    by: OriginText | None = None
    path: OriginText | None = None
    commit: OriginText | None = None
    author: OriginText | None = None
    dirty: bool = False
    template: OriginText | None = None


class ObservePattern(Command, tag="observe_pattern"):
    """A reading of ``key`` that a pattern looks at.  Sent by the router, which knows what it says.

    ``trigger`` is the place of the pattern's trigger in the definition.  ``at`` is when the reading was taken (its own
    time or its arrival, as the trigger says), ``truths`` which of the pattern's conditions hold, ``values`` what they
    read, for the history.  ``variables`` are what a start on it would bring along.
    """

    definition_id: Name
    definition_version: int
    trigger: int
    key: Key
    at: Instant
    truths: Annotated[list[bool], msgspec.Meta(min_length=1, max_length=8)]
    values: Annotated[list[Any], msgspec.Meta(max_length=4)] = []
    variables: dict[str, Any] | None = None


class WatchKeys(Command, tag="watch_keys"):
    """A pattern of a definition misses these keys from now on.  Sent by the processor, a command for each partition."""

    definition_id: Name
    definition_version: int
    trigger: int
    keys: Annotated[list[Key], msgspec.Meta(min_length=1, max_length=1000)]

    @property
    def key(self) -> str:
        """One of them: all live in the same partition."""
        return self.keys[0]


class DeployDefinition(Command, tag="deploy_definition"):
    """Make a process definition known.  ``definition`` is its JSON form; the record's key is ``DEFINITIONS_KEY``.

    ``source`` is the text that somebody wrote, kept beside it with its comments.
    """

    definition: dict[str, Any]
    source: Source | None = None
    origin: Origin | None = None


class ActivateDefinition(Command, tag="activate_definition"):
    """Let a definition start instances, by its ``version`` (default: the one it had last) and no other.

    The record's key is ``DEFINITIONS_KEY``.
    """

    definition_id: Name
    version: int | None = None
    reason: Reason | None = None
    origin: Origin | None = None


class DeactivateDefinition(Command, tag="deactivate_definition"):
    """Let a definition, or that ``version`` of it, start nothing any more; what runs goes on.

    ``pruned``: the folder that is deployed has no such definition any more.  The record's key is ``DEFINITIONS_KEY``.
    """

    definition_id: Name
    version: int | None = None
    reason: Reason | None = None
    pruned: bool = False
    origin: Origin | None = None


class CompleteActivity(Command, tag="complete_activity"):
    """The result of the action that ``action_requested`` asked for.

    ``execution``, ``attempt`` and ``token`` are that event's.
    """

    instance_id: str
    activity_id: Name
    execution: int
    attempt: int
    output: dict[str, Any] = {}
    token: Token | None = None


class FailActivity(Command, tag="fail_activity"):
    """The action failed.  ``error_type`` is a short machine-readable kind, such as ``timeout`` or ``expired``."""

    instance_id: str
    activity_id: Name
    execution: int
    attempt: int
    error_type: Name
    error: Reason
    retryable: bool = False
    token: Token | None = None


class SetSchedule(Command, tag="set_schedule"):
    """A version of a definition is active, ``None``: none is.  Its clock and its polls live where this goes.

    Sent by the processor when a definition is deployed, activated or deactivated.
    """

    definition_id: Name
    definition_version: int | None = None


class RecordNotice(Command, tag="record_notice", kw_only=True):
    """What became of a ``notice_requested`` event, whose ``seq`` is ``notice``: sent, or failed of an error."""

    instance_id: str
    notice: int
    error_type: Name | None = None
    error: Reason | None = None


User = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Group = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TaskCommand(Command, kw_only=True):
    """What ``user`` does with a user task; ``task_id`` is ``<instance id>:<execution>``.

    Who the user is, and that ``groups`` are those of the user, is for the sender to know.
    """

    task_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    user: User
    groups: Annotated[list[Group], msgspec.Meta(max_length=200)] = []

    @property
    def instance_id(self) -> str:
        """That of the task's instance.  Raises ``ValueError`` for a ``task_id`` that is none."""
        return split_task_id(self.task_id)[0]


class ClaimTask(TaskCommand, tag="claim_task"):
    """Take a task that nobody has."""


class UnclaimTask(TaskCommand, tag="unclaim_task"):
    """Give a task back: to those who may claim it, or to whom it was delegated by."""


class AssignTask(TaskCommand, tag="assign_task", kw_only=True):
    """Give a task to ``assignee``, whoever has it; ``None`` takes it from everybody."""

    assignee: User | None


class DelegateTask(TaskCommand, tag="delegate_task", kw_only=True):
    """Have ``to`` do one's task: what ``to`` answers comes back to the user, who completes it.

    An approver's answer is handed over for good.
    """

    to: User


class CompleteTask(TaskCommand, tag="complete_task"):
    """Answer a task.  Without ``answers`` those of a delegate hold, where there are any."""

    answers: dict[str, Any] | None = None
    outcome: Name | None = None


class UpdateTask(TaskCommand, tag="update_task"):
    """Change how urgent a task is: ``priority`` from 0 to 100, and when it is ``due``."""

    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    due: Instant | None = None


class ReleaseStart(Command, tag="release_start"):
    """An instance that waits to begin has its turn; ``behind`` is what it waits for.  Sent by the processor."""

    instance_id: str
    behind: Literal["key", "slots"]


class RequestSlot(Command, tag="request_slot"):
    """An instance wants one of the ``limit`` slots of its definition.  Sent by the processor.

    ``running``: it runs already, since it was migrated to a version with a limit, and so has a slot at once, were it
    one more than there are; those that come wait until fewer run.
    """

    definition_id: Name
    instance_id: str
    limit: int
    running: bool = False


class ReturnSlot(Command, tag="return_slot"):
    """An instance that asked for a slot has ended.  Sent by the processor."""

    definition_id: Name
    instance_id: str


class RefuseWait(Command, tag="refuse_wait"):
    """What an instance waits for will not come, since it could not be noted that it waits.  Sent by the processor.

    ``activity_id`` is that of an activity that waits for a message; without one it is a slot.
    """

    instance_id: str
    error_type: Name
    error: Reason
    activity_id: Name | None = None
    execution: int = 0
    token: Token | None = None


class Continue(Command, tag="continue"):
    """Go on with an instance that has run the steps of one command.  Sent by the processor itself."""

    instance_id: str


class FireTimer(msgspec.Struct, kw_only=True):
    """A timer of an instance, or of another entity, is due.  Made by the processor from its own table, never read from
    a topic.  See ``due.Timer``; ``activity_id`` is "" for a moment of the whole entity.
    """

    instance_id: str
    activity_id: str
    execution: int
    due_ms: int
    token: str | None = None
    purpose: str = "wait"


class AlignWindow(msgspec.Struct, kw_only=True):
    """Whether the soft record ``record`` of a pattern is to be dropped, or opened.  Made by the processor when the
    definitions have changed, never read from a topic.
    """

    record: str


DefinitionCommand = DeployDefinition | ActivateDefinition | DeactivateDefinition
"""These go under ``DEFINITIONS_KEY``."""
ScheduleCommand = SetSchedule | RequestSlot | ReturnSlot
"""These go where the schedule of their definition lives: to the partition of its id."""
SoftCommand = Observe | ObservePattern | WatchKeys
"""These move soft records, and leave no trace in the log but for what they start."""
AnyTaskCommand = ClaimTask | UnclaimTask | AssignTask | DelegateTask | CompleteTask | UpdateTask
LifecycleCommand = Suspend | Resume | Retry | SetVariables | Migrate
"""What operators ask of an instance."""
MailboxCommand = PublishMessage | Subscribe | Unsubscribe | ReturnMessage
"""These go to the partition of their correlation key."""
AnswerCommand = CompleteActivity | FailActivity | Continue
"""What became of an action, and what an instance asks of itself."""
TopicCommand = (
    StartProcess
    | Signal
    | Cancel
    | SoftCommand
    | DefinitionCommand
    | AnswerCommand
    | LifecycleCommand
    | ScheduleCommand
    | ReleaseStart
    | RefuseWait
    | AnyTaskCommand
    | RecordNotice
    | MailboxCommand
    | Deliver
)
AnyCommand = TopicCommand | FireTimer | AlignWindow

DEFINITIONS_KEY = "definitions"
"""All that changes definitions goes under this one key, so that a definition's versions have one writer."""
