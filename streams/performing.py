"""One ``action_requested`` event: performed within its time, answered by one command.

    event ─► request ─┬─ too late ───────────────► fail_activity  expired
                      ├─ unknown action ─────────► fail_activity  unknown_action
                      ├─ unknown secret ─────────► fail_activity  unknown_secret
                      └─► performer ─┬─ output ──► complete_activity
                                     ├─ says no ─► fail_activity  (what it says)
                                     ├─ too slow ► fail_activity  timeout
                                     └─ raises ──► fail_activity  internal

An action takes real time, so the plant's time that is left (until ``not_after``) is divided by the clock's factor.
"""

import asyncio
import math
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import structlog

from streams.actions import ActionError, ActionRequest, Performer
from streams.codec import BadRecordError, LimitError, decode_event_head, encode_command, plain_text
from streams.core.actions.failures import is_transient
from streams.core.clock import PlantClock
from streams.core.commands import CompleteActivity, FailActivity, RecordNotice
from streams.core.durations import instant_text, parse_instant_ms
from streams.core.expressions import Mark, filled
from streams.core.suggest import suggest
from streams.secrets import Secrets, UnknownSecretError, hide

MAX_ERROR_TYPE = 200
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
"""What msgpack, and so state, can hold."""

NO_SECRETS = Secrets({})

log = structlog.get_logger("weir.actions")


class SecretPlace(msgspec.Struct):
    """A ``Mark`` (``streams.core.expressions.secrets``) in an event."""

    path: list[str | int]
    offset: int
    name: str


class Requested(msgspec.Struct, kw_only=True):
    """What to perform: an ``action_requested`` event and its data; ``not_after_ms`` is plant time, Unix ms."""

    action: str
    config: dict[str, Any]
    execution: int
    attempt: int
    idempotency_key: str
    not_after: str
    secrets: list[SecretPlace] = []
    instance_id: str = ""
    activity_id: str = ""
    token: str | None = None
    definition_id: str = ""
    not_after_ms: int = 0
    notice: int | None = None
    """``seq`` of a ``notice_requested`` event, whose answer no activity waits for."""
    traceparent: str | None = None
    """Goes along to whom the action calls."""


_decoder = msgspec.json.Decoder(Requested)


def decode_requested(raw: bytes | None) -> Requested:
    """The request in a record of ``process-events``.

    Raises ``BadRecordError``; ``UpgradeError`` for one that a newer Weir has written.
    """
    try:
        event = decode_event_head(raw or b"")
        requested = _decoder.decode(event.data)
        requested.not_after_ms = parse_instant_ms(requested.not_after)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRecordError(f"Not an action_requested event: {error}") from None
    if event.activity_id is None:
        raise BadRecordError("Not an action_requested event: it has no activity_id")
    requested.instance_id, requested.activity_id = event.subject, event.activity_id
    requested.token, requested.definition_id = event.token, event.definition_id
    requested.notice = event.seq if event.type == "notice_requested" else None
    return requested


class Answer(NamedTuple):
    """``outcome`` is ``completed`` or the error's type; ``record`` the encoded command that says so."""

    outcome: str
    record: bytes


class Performing:
    """Performs requests and encodes the answers."""

    def __init__(
        self,
        performers: Mapping[str, Performer],
        clock: PlantClock,
        wall: Callable[[], float] = time.time,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """``wall`` gives wall time in Unix seconds."""
        self._performers, self._clock, self._wall, self._secrets = performers, clock, wall, secrets

    async def answer(self, requested: Requested) -> Answer:
        """Perform, and say what became of it.  Raises nothing but ``CancelledError``."""
        now_ms = self._clock.plant_ms(self._wall() * 1000)
        left_s = (requested.not_after_ms - now_ms) / self._clock.factor / 1000
        if left_s <= 0:
            late = (
                f"Expected to be performed before {requested.not_after}, but it is {instant_text(now_ms)} (plant time)"
            )
            return _failed(requested, "expired", late)
        performer = self._performers.get(requested.action)
        if performer is None:
            hint = suggest(requested.action, self._performers, "action")
            return _failed(requested, "unknown_action", f"Unknown action {requested.action!r}. {hint}")
        return await self._perform(performer, requested, left_s)

    async def _perform(self, performer: Performer, requested: Requested, left_s: float) -> Answer:
        try:
            secrets = {place.name: self._secrets.value(place.name) for place in requested.secrets}
            request = _request(requested, left_s, secrets)
        except UnknownSecretError as error:
            return _failed(requested, "unknown_secret", str(error))
        except ValueError as error:
            return _failed(requested, "invalid_config", str(error))
        try:
            async with asyncio.timeout(left_s) as limit:
                output = await performer.perform(request)
            return _completed(requested, hide(output, secrets.values()) if secrets else output)
        except ActionError as error:
            message = hide(str(error), secrets.values())
            return _failed(requested, error.error_type, message, retryable=error.retryable)
        except Exception as error:  # noqa: BLE001  whatever it is, it is answered, and told in the log
            if isinstance(error, TimeoutError) and limit.expired():
                slow = f"{requested.action} was not done within {left_s:.1f} s"
                return _failed(requested, "timeout", slow)
            trace = hide("".join(traceback.format_exception(error)), secrets.values())
            log.error("an action raised", action=requested.action, instance=requested.instance_id, exception=trace)  # noqa: TRY400
            return _failed(requested, "internal", hide(f"{type(error).__name__}: {error}", secrets.values()))


def _request(requested: Requested, time_left_s: float, secrets: Mapping[str, str]) -> ActionRequest:
    marks = [Mark(tuple(place.path), place.offset, place.name) for place in requested.secrets]
    return ActionRequest(
        action=requested.action,
        config=filled(requested.config, marks, secrets),
        instance_id=requested.instance_id,
        activity_id=requested.activity_id,
        definition_id=requested.definition_id,
        idempotency_key=requested.idempotency_key,
        time_left_s=time_left_s,
        traceparent=requested.traceparent,
    )


def _completed(requested: Requested, output: dict[str, Any]) -> Answer:
    if requested.notice is not None:
        sent = RecordNotice(instance_id=requested.instance_id, notice=requested.notice)
        return Answer("completed", encode_command(sent))
    command = CompleteActivity(
        instance_id=requested.instance_id,
        activity_id=requested.activity_id,
        execution=requested.execution,
        attempt=requested.attempt,
        output=output,
        token=requested.token,
    )
    try:
        if not _is_storable(output):
            raise ValueError("it holds a number that is not finite, or an integer of more than 64 bits")
        return Answer("completed", encode_command(command))
    except (LimitError, ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        return _failed(requested, "invalid_output", f"The output of {requested.action} cannot be recorded: {error}")


def _failed(requested: Requested, error_type: str, error: str, *, retryable: bool | None = None) -> Answer:
    kind, text = plain_text(error_type)[:MAX_ERROR_TYPE] or "internal", plain_text(error)
    log.warning(
        "an action failed",
        action=requested.action,
        instance=requested.instance_id,
        activity=requested.activity_id,
        error_type=kind,
        error=text,
    )
    if requested.notice is not None:
        failed = RecordNotice(instance_id=requested.instance_id, notice=requested.notice, error_type=kind, error=text)
        return Answer(kind, encode_command(failed))
    command = FailActivity(
        instance_id=requested.instance_id,
        activity_id=requested.activity_id,
        execution=requested.execution,
        attempt=requested.attempt,
        error_type=kind,
        error=text,
        retryable=is_transient(error_type) if retryable is None else retryable,
        token=requested.token,
    )
    return Answer(kind, encode_command(command))


def _is_storable(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return MIN_INTEGER <= value <= MAX_INTEGER
    if isinstance(value, dict):
        return all(map(_is_storable, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_storable, value))
    return True
