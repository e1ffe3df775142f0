"""Events: what happened, as JSON objects on the topic ``process-events``.  The log of them is the truth.

An event's id is ``(subject, seq)``; ``seq`` counts from 1 without a gap, and from 1 again behind ``key_forgotten`` and
``mailbox_forgotten``.  ``type``, ``subject`` and ``time`` are
CloudEvents attributes; the others follow from the body: ``id = <subject>/<seq>``, ``specversion = 1.0`` and
``source = /weir/<definition_id>/<definition_version>``.  The record's key is the subject, its one header ``ce_type``
the type, to filter without decoding.

``subject`` is an instance id, or ``key:<business key>``, ``definition:<id>`` or ``schedule:<definition id>`` for what
happens outside an instance: ``OUTSIDE``.
"""

from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

VERSION = 1

EventType = Literal[
    # the instance
    "started",
    "start_queued",
    "start_released",
    "completed",
    "failed",
    "cancelled",
    "timed_out",
    "yielded",
    "continued",
    "variable_changed",
    "suspended",
    "resumed",
    "retry_queued",
    "retry_refused",
    "retried",
    "migrated",
    "input_held",
    "signal_received",
    # an activity of an instance
    "activity_started",
    "activity_completed",
    "activity_failed",
    "decision_evaluated",
    "rules_evaluated",
    "action_requested",
    "timer_started",
    "timer_fired",
    "message_awaited",
    "subprocess_requested",
    # a user task of an instance
    "task_created",
    "task_assigned",
    "task_claimed",
    "task_unclaimed",
    "task_delegated",
    "task_returned",
    "task_updated",
    "task_reminded",
    "task_escalated",
    "task_approved",
    "task_rejected",
    "task_completed",
    "task_cancelled",
    "activity_skipped",
    "activity_cancelled",
    "retry_scheduled",
    "error_caught",
    "incident_created",
    "incident_resolved",
    # telling people, which no activity waits for
    "notice_requested",
    "notice_sent",
    "notice_failed",
    # the branches of an activity
    "branches_started",
    "branch_completed",
    "items_started",
    "item_started",
    "item_completed",
    "compensation_registered",
    "compensations_started",
    "compensation_started",
    "compensation_completed",
    # a key
    "signal_buffered",
    "signal_released",
    "signal_expired",
    "key_forgotten",
    # the schedule of a definition
    "schedule_set",
    "schedule_stopped",
    "schedule_fired",
    "schedule_skipped",
    "rows_requested",
    "rows_received",
    "rows_failed",
    "row_skipped",
    "slot_granted",
    "slot_awaited",
    "slot_returned",
    # a correlation key
    "subscribed",
    "unsubscribed",
    "message_correlated",
    "message_started",
    "message_buffered",
    "message_expired",
    "mailbox_forgotten",
    # a definition
    "definition_deployed",
    "definition_activated",
    "definition_deactivated",
]

OUTSIDE = ("key:", "definition:", "schedule:", "message:")
"""What a subject begins with that is no instance."""

EVENT_TYPES: frozenset[str] = frozenset(get_args(EventType))
"""An event of another type was written by a newer Weir."""


class Envelope(msgspec.Struct, omit_defaults=True):
    """One thing that happened, but for its data.

    ``time`` is plant time (UTC, milliseconds); ``cause`` is ``<partition>:<offset>`` of the command, or
    ``<partition>:timer``.  ``message`` is text for people, and fills ``process_history.message``.  ``token`` is the
    branch's line of execution (``places``), ``None`` for the instance's own.
    """

    v: int
    type: str
    subject: str
    seq: int
    time: datetime
    definition_id: str
    definition_version: int
    cause: str
    activity_id: str | None = None
    message: str | None = None
    token: str | None = None


class Event(Envelope, omit_defaults=True):
    """One thing that happened."""

    data: dict[str, Any] = {}


class EventHead(Envelope):
    """An event whose ``data`` stays undecoded, for readers that pass it through."""

    data: msgspec.Raw = msgspec.Raw(b"{}")
