"""What people are told without a process asking for it: that one has failed, and that somebody has a task.

    event on process-events ─► announcements of it ─► notify, create_alert, send_notification: answered to nobody

``WEIR_NOTIFY_FAILURES`` and ``WEIR_NOTIFY_TASKS`` name channels of ``notify``; ``station`` among them is the station's
own way: an alert for a failure, a notification to each person of a task.  What is announced is at least once, with the
same idempotency key, and nothing that is older than ``MAX_AGE_MS``: a worker that comes back after a week is silent.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from streams.codec import BadRecordError, decode_event
from streams.core.durations import instant_ms, instant_text
from streams.core.events import Event
from streams.performing import Requested
from streams.settings import Settings

STATION = "station"
MAX_AGE_MS = 3_600_000
"""Of plant time."""
FAILURES = frozenset({"failed", "timed_out", "incident_created"})
TASKS = frozenset({"task_created", "task_assigned", "task_delegated", "task_escalated"})

Config = dict[str, Any]
Made = tuple[str, str, Config]
"""Name of the channel, action, its config."""


class Announcing:
    """By the settings of a plant."""

    def __init__(self, settings: Settings) -> None:
        self._channels = dict.fromkeys(FAILURES, _names(settings.notify_failures))
        self._channels |= dict.fromkeys(TASKS, _names(settings.notify_tasks))
        self.headers = frozenset(("ce_type", kind.encode()) for kind, names in self._channels.items() if names)
        """Of the records that are announced."""

    def requests(self, raw: bytes | None) -> list[Requested]:
        """What to perform for a record.  Raises ``BadRecordError``; ``UpgradeError`` for a newer Weir's."""
        try:
            event = decode_event(raw or b"")
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadRecordError(f"Not an event: {error}") from None
        names = self._channels.get(event.type, ())
        make = _failure if event.type in FAILURES else _task
        return [_request(event, *made) for made in make(event, names)]


def _names(setting: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in setting.split(",")) if name)


def _failure(event: Event, names: Iterable[str]) -> Iterable[Made]:
    what = {"timed_out": "timed out", "incident_created": "stopped"}.get(event.type, "failed")
    title = f"{event.definition_id} {what}"
    place = "" if event.activity_id is None else f" at {event.activity_id}"
    error = event.data.get("error") or event.message or ""
    text = f"Instance {event.subject} of {event.definition_id}:{event.definition_version} {what}{place}: {error}"
    for name in names:
        if name == STATION:
            about = {"instance_id": event.subject, "error_type": event.data.get("error_type", event.type)}
            alert = {"title": title, "message": text, "severity": "error", "data": about}
            yield name, "create_alert", alert | {"alert_key": f"process:{event.definition_id}"}
        else:
            yield name, "notify", {"channel": name, "title": title, "message": text}


def _task(event: Event, names: Iterable[str]) -> Iterable[Made]:
    data = event.data
    people = [data["assignee"]] if data.get("assignee") else list(data.get("users") or data.get("approvers") or ())
    groups = [] if data.get("assignee") else list(data.get("groups") or ())
    title = f"Task: {data.get('title') or event.activity_id}"
    who = ", ".join([*people, *(f"group {name}" for name in groups)]) or "whoever takes it"
    about = data.get("description") or event.message or ""
    text = f"For {who}: {about}\nTask {event.subject}:{data.get('execution')} of {event.definition_id}"
    for name in names:
        if name != STATION:
            yield name, "notify", {"channel": name, "title": title, "message": text, "people": people}
            continue
        for to in [*({"user_id": one} for one in people), *({"group_id": one} for one in groups)]:
            yield f"{name}:{'/'.join(to.values())}", "send_notification", {**to, "title": title, "message": text}


def _request(event: Event, name: str, action: str, config: Config) -> Requested:
    not_after = instant_ms(event.time) + MAX_AGE_MS
    return Requested(
        action=action,
        config=config,
        execution=0,
        attempt=1,
        idempotency_key=f"{event.subject}:announced:{event.seq}:{name}",
        not_after=instant_text(not_after),
        not_after_ms=not_after,
        instance_id=event.subject,
        activity_id=event.activity_id or "",
        definition_id=event.definition_id,
    )


async def announced(
    requests: Iterable[Requested],
    answer: Callable[[Requested], Any],
    pause: Callable[[float], Any],
    is_worth_another: Callable[[str], bool],
) -> str:
    """Perform them, each again after a while where it may help: ``completed``, or the last error's type."""
    outcome = "completed"
    for request in requests:
        for wait_s in (*PAUSES_S, None):
            found: str = (await answer(request)).outcome
            if found == "completed" or wait_s is None or not is_worth_another(found):
                break
            await pause(wait_s)
        if found != "completed":
            outcome = found
    return outcome


PAUSES_S = (1.0, 5.0, 25.0, 125.0)
"""Between attempts."""
