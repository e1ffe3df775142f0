"""How actions fail: every type of error, and whether the same request may succeed later.

A *transient* error is one that waiting may heal; the retry policy of the activity says how often and how long.  A
*permanent* one is the same however often it is tried, and so goes to ``on_error`` at once.  An action's own types are
those of the errors that its performer raises; a test holds the two together.
"""

import re
from typing import NamedTuple


class Failure(NamedTuple):
    """``actions`` tell it, all when there are none."""

    transient: bool
    actions: tuple[str, ...]
    meaning: str


TRANSIENT, PERMANENT = True, False
EVERY: tuple[str, ...] = ()
DATABASE = ("database_query", "database_execute")
STATION = (
    "acknowledge_alert", "resolve_alert", "update_zone", "get_users_in_zone", "update_user_group", "send_message",
    "send_notification", "trigger_bot_response",
)  # fmt: skip

FAILURES: dict[str, Failure] = {
    # what the worker says of any action
    "expired": Failure(PERMANENT, EVERY, "its time was over before a worker came to it: it was not performed"),
    "timeout": Failure(TRANSIENT, EVERY, "it was not done within the activity's timeout; it may have happened"),
    "unavailable": Failure(TRANSIENT, EVERY, "what it needs cannot be reached now"),
    "invalid_config": Failure(PERMANENT, EVERY, "its configuration, with values filled in, cannot be carried out"),
    "invalid_output": Failure(PERMANENT, EVERY, "its result cannot be recorded: too large, or no JSON"),
    "unknown_action": Failure(PERMANENT, EVERY, "this worker has no such action: it is older, or lacks an extension"),
    "unknown_secret": Failure(PERMANENT, EVERY, "a secret that it names is not set where the worker runs"),
    "internal": Failure(PERMANENT, EVERY, "its performer has a mistake; the worker's log has the traceback"),
    # http_request, and notify by a webhook
    "http_408": Failure(TRANSIENT, ("http_request", "notify"), "the service says that the request took too long"),
    "http_425": Failure(TRANSIENT, ("http_request", "notify"), "the service says that it is too early"),
    "http_429": Failure(TRANSIENT, ("http_request", "notify"), "the service says that there are too many requests"),
    "http_5xx": Failure(TRANSIENT, ("http_request", "notify"), "the service has a problem of its own"),
    "http_xxx": Failure(PERMANENT, ("http_request", "notify"), "any other status that is not expected"),
    "tls": Failure(PERMANENT, ("http_request", "notify"), "the service has no certificate that is trusted here"),
    "forbidden_address": Failure(PERMANENT, ("http_request", "notify"), "the address is not in WEIR_HTTP_ALLOW"),
    "redirects": Failure(
        PERMANENT, ("http_request", "notify"), "it redirects too often, or to what may not be asked or sent"
    ),
    "invalid_answer": Failure(PERMANENT, ("http_request", "notify"), "the answer is not what it says it is"),
    "answer_too_large": Failure(
        PERMANENT, ("http_request", "notify", *DATABASE), "the answer is more than an event may hold"
    ),
    # notify by e-mail
    "mail_later": Failure(TRANSIENT, ("notify",), "the mail server says later: greylisting, too busy, a full mailbox"),
    "mail_refused": Failure(PERMANENT, ("notify",), "the mail server does not take the mail, or any recipient"),
    "mail_login": Failure(PERMANENT, ("notify",), "the mail server does not know user and password"),
    # database_query, database_execute
    "database_busy": Failure(TRANSIENT, DATABASE, "a lock was not free, or another transaction was in the way"),
    "database_refused": Failure(PERMANENT, DATABASE, "it does not let us in: user, password, name or certificate"),
    "database_constraint": Failure(PERMANENT, DATABASE, "the rows would break a constraint of their table"),
    "database_error": Failure(PERMANENT, DATABASE, "any other error of the statement, with its SQLSTATE"),
    # the station's
    "not_found": Failure(PERMANENT, STATION, "there is no such alert, zone, user, group or bot"),
    # emit
    "event_refused": Failure(PERMANENT, ("emit",), "Kafka does not take the event: too large, or no right to write"),
    # script
    "script_time": Failure(TRANSIENT, ("script",), "it waited for longer than its time, as on a busy machine"),
    "script_script": Failure(PERMANENT, ("script",), "it raised an exception"),
    "script_cpu": Failure(PERMANENT, ("script",), "it used more processor time than it may"),
    "script_memory": Failure(PERMANENT, ("script",), "it used more memory than it may"),
    "script_output": Failure(PERMANENT, ("script",), "its output is too large, or not an object"),
    "script_crash": Failure(PERMANENT, ("script",), "its process ended without an answer"),
    "script_no_sandbox": Failure(PERMANENT, ("script",), "the kernel here cannot filter system calls"),
}
_STATUS = re.compile(r"http_(\d)\d\d")


def failure_of(error_type: str) -> Failure | None:
    """``None`` for a type that is not ours: an extension's."""
    if (known := FAILURES.get(error_type)) is not None:
        return known
    if status := _STATUS.fullmatch(error_type):
        return FAILURES["http_5xx" if status[1] == "5" else "http_xxx"]
    return None


def is_transient(error_type: str) -> bool:
    """Whether the same request may succeed later; an unknown error is permanent."""
    known = failure_of(error_type)
    return known is not None and known.transient
