"""What seeds must have done together, so that they have not passed in vain."""

from collections import Counter
from collections.abc import Collection, Iterable

from tests.simulation.faults import EVENTS, STRIKES

WORK = (
    "commands",
    "started",
    "completed",
    "failed",
    "cancelled",
    "timer_fired",
    "action_requested",
    "activity_completed",
    "signal_received",
    "signal_buffered",
    "signal_released",
    "key_forgotten",
    "mailbox_forgotten",
    "variable_changed",
    "task_created",
    "task_claimed",
    "task_delegated",
    "task_reminded",
    "task_escalated",
    "task_approved",
    "task_completed",
    "task_cancelled",
    "notice_sent",
    "definition_deployed",
    "start_queued",
    "start_released",
    "slot_granted",
    "slot_awaited",
    "slot_returned",
    "retry_queued",
    "retried",
    "definition_activated",
    "definition_deactivated",
    "schedule_set",
    "schedule_fired",
    "branches_started",
    "activity_cancelled",
    "activity_skipped",
    "error_caught",
    "item_completed",
    "compensation_completed",
    "timed_out",
    "rejections",
    "letters",
    "user_registered",
    "user_online",
    "user_offline",
    "zone_entry",
    "zone_exit",
    "message_received",
    "bot_trigger_fired",
    "position_passed_over",
    "station_letters",
)
"""As the checker counts it; what people do at the station as ``station.py`` does."""
ENOUGH = 200
"""In so many seeds everything must have been there once, in twice as many twice: a seed has some of it only."""
WORK_A_SEED = {"commands": 5, "started": 1}
WORK_OF_THE_STATION = {"user_registered": 1, "message_received": 1, "station_letters": 1}
"""A seed with less has tested nothing."""


def missing(faults: Counter[str], work: Counter[str], seeds: int) -> list[str]:
    """What the seeds lack."""
    least = seeds // ENOUGH
    lacking = [
        f"faults of kind {kind!r} have hit {faults[kind]} times of at least {least}"
        for kind in (*STRIKES, *EVENTS)
        if faults[kind] < least
    ]
    return lacking + [
        f"work of kind {kind!r} was done {work[kind]} times of at least {least}" for kind in WORK if work[kind] < least
    ]


def idle(work: Counter[str], roles: Collection[str]) -> Iterable[str]:
    """Why a seed has tested nothing."""
    least_of = WORK_A_SEED | (WORK_OF_THE_STATION if "station" in roles else {})
    return [
        f"work: expected at least {least} {kind}, but got {work[kind]}"
        for kind, least in least_of.items()
        if work[kind] < least
    ]
