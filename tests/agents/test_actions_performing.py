"""One request performed: every way it can end."""

import asyncio
from typing import Any

import msgspec
import pytest

from streams.actions import ActionError, ActionRequest
from streams.codec import BadRecordError, UpgradeError, decode_command
from streams.core.clock import PlantClock
from streams.core.commands import CompleteActivity, FailActivity
from streams.core.durations import instant, instant_text
from streams.performing import Performing, Requested, decode_requested
from streams.secrets import Secrets

WALL_MS = 1_800_000_000_000
INSTANCE = "01a2b3c4-d5e6-8007-8000-000000000001"


class Recorder:
    """Performs by calling ``act``; keeps the requests."""

    def __init__(self, act: Any = None) -> None:
        self.requests: list[ActionRequest] = []
        self.act = act

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        self.requests.append(request)
        return await self.act() if self.act is not None else {"done": True}


def requested(not_after_ms: int = WALL_MS + 10_000, action: str = "act") -> Requested:
    data = {
        "action": action,
        "config": {"topic": "a"},
        "execution": 3,
        "attempt": 2,
        "idempotency_key": f"{INSTANCE}:cool:3",
        "not_after": instant_text(not_after_ms),
    }
    return decode_requested(event(data))


def event(data: Any, v: int = 1, activity_id: str | None = "cool") -> bytes:
    return msgspec.json.encode({
        "v": v,
        "type": "action_requested",
        "subject": INSTANCE,
        "seq": 4,
        "time": instant(WALL_MS),
        "definition_id": "cooling",
        "definition_version": 1,
        "cause": "0:1",
        "activity_id": activity_id,
        "data": data,
    })  # fmt: skip


async def answer(
    recorder: Recorder, one: Requested | None = None, clock: str = "wall"
) -> tuple[str, CompleteActivity | FailActivity]:
    performing = Performing({"act": recorder}, PlantClock.parse(clock), wall=lambda: WALL_MS / 1000)
    outcome, record = await performing.answer(one or requested())
    command = decode_command(record)
    assert isinstance(command, CompleteActivity | FailActivity)
    assert (command.instance_id, command.activity_id, command.execution, command.attempt) == (INSTANCE, "cool", 3, 2)
    return outcome, command


def raising(error: BaseException) -> Any:
    async def act() -> dict[str, Any]:
        raise error

    return act


def returning(output: Any) -> Any:
    async def act() -> Any:
        return output

    return act


async def test_an_output_completes_the_activity() -> None:
    recorder = Recorder(returning({"status": 200}))
    outcome, command = await answer(recorder)
    assert outcome == "completed"
    assert isinstance(command, CompleteActivity)
    assert command.output == {"status": 200}
    assert recorder.requests == [
        ActionRequest("act", {"topic": "a"}, INSTANCE, "cool", "cooling", f"{INSTANCE}:cool:3", 10.0)
    ]


@pytest.mark.parametrize(
    ("error", "error_type", "message", "retryable"),
    [
        (ActionError("no connection", "unavailable", retryable=True), "unavailable", "no connection", True),
        (ActionError("no such topic", "invalid_config", retryable=False), "invalid_config", "no such topic", False),
        (KeyError("x"), "internal", "KeyError: 'x'", False),
        (TimeoutError("socket"), "internal", "TimeoutError: socket", False),
        (ValueError("a\0b\ud800" + "x" * 9000), "internal", "ValueError: ab?" + "x" * (4000 - 15), False),
        (ActionError("", "", retryable=False), "internal", "", False),
    ],
)
async def test_what_a_performer_raises_fails_the_activity(
    error: Exception, error_type: str, message: str, retryable: bool
) -> None:
    outcome, command = await answer(Recorder(raising(error)))
    assert isinstance(command, FailActivity)
    assert (command.error_type, command.error, command.retryable) == (error_type, message, retryable)
    assert outcome == error_type


@pytest.mark.parametrize("late_ms", [0, 1, 86_400_000])
async def test_an_expired_request_is_never_performed(late_ms: int) -> None:
    recorder = Recorder()
    _, command = await answer(recorder, requested(WALL_MS - late_ms))
    assert isinstance(command, FailActivity)
    assert (command.error_type, command.retryable) == ("expired", False)
    assert instant_text(WALL_MS - late_ms) in command.error
    assert recorder.requests == []


async def test_the_time_left_is_real_time_however_fast_the_plant_runs() -> None:
    clock = f"2013-12-10T06:25:00Z@{instant_text(WALL_MS)}x3000"
    plant_now = PlantClock.parse(clock).plant_ms(WALL_MS)
    recorder = Recorder()
    await answer(recorder, requested(plant_now + 30_000 * 3000), clock)
    assert recorder.requests[0].time_left_s == pytest.approx(30)
    _, command = await answer(recorder, requested(plant_now - 1), clock)
    assert isinstance(command, FailActivity)
    assert command.error_type == "expired"
    assert "2013-12-10T06:24:59.999Z" in command.error


async def test_an_action_that_takes_too_long_is_stopped() -> None:
    stopped = asyncio.Event()

    async def act() -> dict[str, Any]:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return {}

    _, command = await answer(Recorder(act), requested(WALL_MS + 50))
    assert isinstance(command, FailActivity)
    assert (command.error_type, command.retryable) == ("timeout", True)
    assert "act was not done within 0.1 s" in command.error
    assert stopped.is_set()


async def test_an_action_that_nobody_knows_is_named_with_what_there_is() -> None:
    _, command = await answer(Recorder(), requested(action="acts"))
    assert isinstance(command, FailActivity)
    assert (command.error_type, command.retryable) == ("unknown_action", False)
    assert command.error == "Unknown action 'acts'. Did you mean 'act'?"


def endless() -> dict[str, Any]:
    output: dict[str, Any] = {}
    output["self"] = output
    return output


@pytest.mark.parametrize(
    "output",
    [
        {"x": float("nan")},
        {"x": [1, {"y": float("-inf")}]},
        {"x": "\0"},
        {"x": "\ud800"},
        {"x": object()},
        {"x": "y" * 300_000},
        endless(),
    ],
    ids=["nan", "inf", "nul", "surrogate", "object", "large", "endless"],
)
async def test_an_output_that_cannot_be_recorded_fails_the_activity(output: dict[str, Any]) -> None:
    _, command = await answer(Recorder(returning(output)))
    assert isinstance(command, FailActivity)
    assert command.error_type == "invalid_output"
    assert command.error.startswith("The output of act cannot be recorded: ")


async def test_a_cancelled_action_is_not_answered() -> None:
    with pytest.raises(asyncio.CancelledError):
        await answer(Recorder(raising(asyncio.CancelledError())))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "truncated"),
        (b"{", "truncated"),
        (b'{"v": 1}', "missing required field"),
        (event({"action": "act"}), "missing required field"),
        (event({}, activity_id=None), "missing required field"),
        (
            event(
                {"action": "a", "config": {}, "execution": 1, "attempt": 1, "idempotency_key": "k", "not_after": "soon"}
            ),
            "soon",
        ),
        (
            event({"action": "a", "config": [], "execution": 1, "attempt": 1, "idempotency_key": "k", "not_after": ""}),
            "Expected `object`",
        ),
        (
            event(
                {
                    "action": "a",
                    "config": {},
                    "execution": 1,
                    "attempt": 1,
                    "idempotency_key": "k",
                    "not_after": "2026-01-01T00:00:00Z",
                },
                activity_id=None,
            ),
            "no activity_id",
        ),
    ],
)
def test_a_record_that_is_no_request_is_refused_with_its_reason(raw: bytes | None, reason: str) -> None:
    with pytest.raises(BadRecordError, match=reason):
        decode_requested(raw)


def test_a_request_of_a_newer_weir_is_not_guessed_at() -> None:
    with pytest.raises(UpgradeError, match="upgrade"):
        decode_requested(event({"anything": True}, v=2))


# ---- secrets


async def with_secret(
    act: Any, environment: dict[str, str], offset: int = 2
) -> tuple[list[ActionRequest], CompleteActivity | FailActivity]:
    one = requested()
    data = {
        "action": "act",
        "config": {"topic": "a ${secrets.token}", "text": "${secrets.token}"},
        "execution": 3,
        "attempt": 2,
        "idempotency_key": one.idempotency_key,
        "not_after": one.not_after,
        "secrets": [{"path": ["topic"], "offset": offset, "name": "token"}],
    }
    recorder = Recorder(act)
    performing = Performing({"act": recorder}, PlantClock.parse("wall"), lambda: WALL_MS / 1000, Secrets(environment))
    _, record = await performing.answer(decode_requested(event(data)))
    assert b"pl4nted" not in record
    command = decode_command(record)
    assert isinstance(command, CompleteActivity | FailActivity)
    return recorder.requests, command


SET = {"WEIR_SECRET_TOKEN": "pl4nted"}


async def test_a_secret_is_filled_in_for_the_performer_alone(capsys: pytest.CaptureFixture[str]) -> None:
    requests, command = await with_secret(returning({"you said": ["a pl4nted"]}), SET)
    assert [one.config for one in requests] == [{"topic": "a pl4nted", "text": "${secrets.token}"}]
    assert isinstance(command, CompleteActivity)
    assert command.output == {"you said": ["a ***"]}


@pytest.mark.parametrize(
    "error", [ActionError("pl4nted is refused", "http_401"), ValueError("pl4nted"), KeyError("pl4nted")]
)
async def test_an_error_does_not_tell_it(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    _, command = await with_secret(raising(error), SET)
    assert isinstance(command, FailActivity)
    assert "***" in command.error
    said = capsys.readouterr()
    assert "pl4nted" not in said.out + said.err
    assert "***" in said.out + said.err


async def test_without_its_secret_nothing_is_performed() -> None:
    requests, command = await with_secret(None, {})
    assert requests == []
    assert isinstance(command, FailActivity)
    assert (command.error_type, command.retryable) == ("unknown_secret", False)
    assert "WEIR_SECRET_TOKEN" in command.error


async def test_a_mark_that_does_not_fit_is_not_filled_in() -> None:
    requests, command = await with_secret(None, SET, offset=3)
    assert requests == []
    assert isinstance(command, FailActivity)
    assert (command.error_type, command.error) == ("invalid_config", "Expected ${secrets.token} at topic[3]")
