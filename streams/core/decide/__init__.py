"""``decide(turn, command)``: what a command leads to, as events on the turn, or as its rejection.

Pure: everything undetermined came with the command or is in the turn's surroundings.  One file a command.
"""

from collections.abc import Callable
from typing import Any, get_args

from streams.core.commands import (
    DEFINITIONS_KEY,
    ActivateDefinition,
    AlignWindow,
    AnyCommand,
    AssignTask,
    Cancel,
    ClaimTask,
    CompleteActivity,
    CompleteTask,
    Continue,
    DeactivateDefinition,
    DefinitionCommand,
    DelegateTask,
    Deliver,
    DeployDefinition,
    FailActivity,
    FireTimer,
    MailboxCommand,
    Migrate,
    Observe,
    ObservePattern,
    PublishMessage,
    RecordNotice,
    RefuseWait,
    ReleaseStart,
    RequestSlot,
    Resume,
    Retry,
    ReturnMessage,
    ReturnSlot,
    ScheduleCommand,
    SetSchedule,
    SetVariables,
    Signal,
    SoftCommand,
    StartProcess,
    Subscribe,
    Suspend,
    TopicCommand,
    UnclaimTask,
    Unsubscribe,
    UpdateTask,
    WatchKeys,
)
from streams.core.decide.activate_definition import activate_definition
from streams.core.decide.align_window import align_window
from streams.core.decide.assign_task import assign_task
from streams.core.decide.cancel import cancel
from streams.core.decide.claim_task import claim_task
from streams.core.decide.complete_activity import complete_activity
from streams.core.decide.complete_task import complete_task
from streams.core.decide.continue_ import continue_
from streams.core.decide.deactivate_definition import deactivate_definition
from streams.core.decide.delegate_task import delegate_task
from streams.core.decide.deliver import deliver
from streams.core.decide.deploy_definition import deploy_definition
from streams.core.decide.fail_activity import fail_activity
from streams.core.decide.fire_timer import fire_timer
from streams.core.decide.migrate import migrate
from streams.core.decide.observe import observe
from streams.core.decide.observe_pattern import observe_pattern
from streams.core.decide.publish_message import publish_message
from streams.core.decide.record_notice import record_notice
from streams.core.decide.refuse_wait import refuse_wait
from streams.core.decide.release_start import release_start
from streams.core.decide.request_slot import request_slot
from streams.core.decide.resume import resume
from streams.core.decide.retry import retry
from streams.core.decide.return_message import return_message
from streams.core.decide.return_slot import return_slot
from streams.core.decide.set_schedule import set_schedule
from streams.core.decide.set_variables import set_variables
from streams.core.decide.signal import signal
from streams.core.decide.start_process import start_process
from streams.core.decide.subscribe import subscribe, unsubscribe
from streams.core.decide.suspend import suspend
from streams.core.decide.unclaim_task import unclaim_task
from streams.core.decide.update_task import update_task
from streams.core.decide.watch_keys import watch_keys
from streams.core.forgetting import forget_idle
from streams.core.ids import check_instance_id, partition_for, partition_of
from streams.core.schedule import SCHEDULE_PREFIX
from streams.core.turn import Turn

DECIDERS: dict[type, Callable[[Turn, Any], None]] = {
    StartProcess: start_process,
    Signal: signal,
    Observe: observe,
    ObservePattern: observe_pattern,
    WatchKeys: watch_keys,
    Cancel: cancel,
    DeployDefinition: deploy_definition,
    ActivateDefinition: activate_definition,
    DeactivateDefinition: deactivate_definition,
    CompleteActivity: complete_activity,
    FailActivity: fail_activity,
    SetSchedule: set_schedule,
    RequestSlot: request_slot,
    ReturnSlot: return_slot,
    ReleaseStart: release_start,
    RefuseWait: refuse_wait,
    Continue: continue_,
    FireTimer: fire_timer,
    ClaimTask: claim_task,
    UnclaimTask: unclaim_task,
    AssignTask: assign_task,
    DelegateTask: delegate_task,
    CompleteTask: complete_task,
    UpdateTask: update_task,
    RecordNotice: record_notice,
    Suspend: suspend,
    Resume: resume,
    Retry: retry,
    SetVariables: set_variables,
    Migrate: migrate,
    AlignWindow: align_window,
    PublishMessage: publish_message,
    Subscribe: subscribe,
    Unsubscribe: unsubscribe,
    Deliver: deliver,
    ReturnMessage: return_message,
}


OF_KEY: frozenset[type] = frozenset(get_args(DefinitionCommand | ScheduleCommand | SoftCommand | MailboxCommand))
"""What lives where its record's key does.  By type: every command asks, and ``isinstance`` would try one after the
other."""


def decide(turn: Turn, command: AnyCommand) -> None:
    """Decide ``command``: afterwards ``turn`` holds its events, or its rejection, or neither."""
    DECIDERS[type(command)](turn, command)
    forget_idle(turn)


def command_key(command: TopicCommand) -> str | None:
    """The key of the command's record: what it is about."""
    if type(command) in OF_KEY:
        if isinstance(command, DefinitionCommand):
            return DEFINITIONS_KEY
        if isinstance(command, ScheduleCommand):
            return command.definition_id
        if isinstance(command, MailboxCommand):
            return command.correlation_key
    return getattr(command, "key", None) or getattr(command, "instance_id", None)


def home_of(command: TopicCommand, partitions: int) -> int | None:
    """The partition that a command belongs to; ``None`` when it may be decided anywhere.

    Raises ``ValueError`` when the command names an instance that cannot exist, or no target.
    """
    if type(command) in OF_KEY:
        return partition_for(command_key(command) or "", partitions)
    if isinstance(command, StartProcess) and command.key is not None:
        return partition_for(command.key, partitions)
    instance_id: str | None = getattr(command, "instance_id", None)
    if instance_id is not None and instance_id.startswith(SCHEDULE_PREFIX):
        return partition_for(instance_id.removeprefix(SCHEDULE_PREFIX), partitions)
    if instance_id is not None:
        home = partition_of(check_instance_id(instance_id))
        if home >= partitions:
            raise ValueError(
                f"Expected the id of an instance of this plant, but {instance_id} names "
                f"partition {home} and there are {partitions}"
            )
        return home
    if isinstance(command, Signal | Cancel | Suspend | Resume):
        if command.key is None:
            raise ValueError(f"Expected 'instance_id' or 'key' in {command.__struct_config__.tag}, but got neither")
        return partition_for(command.key, partitions)
    return None
