"""How long until another attempt: the policy that is there, and one that an extension has named."""

from typing import Any

import pytest

from streams.core.activities.retry import MAX_PAUSE_MS, POLICIES, Retry, RetryPolicy
from streams.core.parse import check_definition, parse_definition

TEXT = """\
id: a
trigger: {type: api}
activities:
  - {id: tell, type: service, action: notify, config: {message: hot}, retry: %s}
"""


def pauses(retry: Retry, *, error_type: str = "unavailable", retryable: bool = True) -> list[int | None]:
    policy = RetryPolicy.of(retry)
    return [policy.pause_ms(attempt, error_type, "i:a:1", retryable=retryable) for attempt in range(1, 7)]


def test_pauses_grow_up_to_a_limit_and_end_with_the_attempts() -> None:
    retry = Retry.model_validate({"max_attempts": 6, "jitter": 0.0, "max_interval": "5s"})
    assert pauses(retry) == [1000, 2000, 4000, 5000, 5000, None]


def test_chance_is_the_same_on_every_replay_and_within_the_jitter() -> None:
    found = pauses(Retry(max_attempts=6))
    assert found == pauses(Retry(max_attempts=6))
    for pause, wanted in zip(found[:5], (1000, 2000, 4000, 8000, 16_000), strict=True):
        assert pause is not None
        assert 0.9 * wanted <= pause <= 1.1 * wanted
    assert found[:5] != [1000, 2000, 4000, 8000, 16_000]


@pytest.mark.parametrize(
    ("retry", "error_type", "retryable"),
    [
        (Retry(), "invalid_config", False),
        (Retry(non_retryable=("unavailable",)), "unavailable", True),
        (Retry(max_attempts=1), "unavailable", True),
    ],
)
def test_there_may_be_no_other_attempt(retry: Retry, error_type: str, retryable: bool) -> None:
    assert set(pauses(retry, error_type=error_type, retryable=retryable)) == {None}


def test_a_large_backoff_ends_at_the_limit() -> None:
    retry = Retry(max_attempts=1000, backoff=100.0, jitter=0.0)
    assert RetryPolicy.of(retry).pause_ms(999, "unavailable", "s", retryable=True) == 60_000


def test_a_named_policy_says_how_long_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str, int]] = []

    def steady(attempt: int, error_type: str, chance: int) -> int | None:
        asked.append((attempt, error_type, chance))
        return {1: 250, 2: -5, 3: 10**12}.get(attempt)

    monkeypatch.setitem(POLICIES, "steady", steady)
    assert pauses(Retry(max_attempts=6, policy="steady")) == [250, 0, MAX_PAUSE_MS, None, None, None]
    assert [one[:2] for one in asked] == [(attempt, "unavailable") for attempt in range(1, 6)]
    assert len({chance for _, _, chance in asked}) == 5
    assert all(0 <= chance < 2**64 for _, _, chance in asked)
    assert pauses(Retry(max_attempts=6, policy="steady"), retryable=False) == [None] * 6


@pytest.mark.parametrize(
    ("retry", "says"),
    [
        ("{policy: steadi}", "Unknown policy 'steadi'"),
        ("{policy: steady, backoff: 3.0}", "Expected no 'backoff' beside policy 'steady'"),
    ],
)
def test_a_mistake_in_a_policy_is_told(monkeypatch: pytest.MonkeyPatch, retry: str, says: str) -> None:
    monkeypatch.setitem(POLICIES, "steady", lambda *_: 1)
    problems = [str(one) for one in check_definition(TEXT % retry, "f")[1]]
    assert len(problems) == 1
    assert says in problems[0]
    assert check_definition(TEXT % "{policy: steady, max_attempts: 5}", "f")[1] == []


@pytest.mark.parametrize(
    ("spec", "attempts"), [("5", 5), ("none", 1), ("{max_attempts: 7, initial_interval: 2s}", 7), ("{}", 3)]
)
def test_a_retry_may_be_written_in_short(spec: str, attempts: int) -> None:
    note: Any = parse_definition(TEXT % spec).activity("tell")
    assert RetryPolicy.of(note.retry).max_attempts == attempts


@pytest.mark.parametrize("spec", ["true", "often", "0", "{backoff: 0.5}", "{jitter: 2.0}"])
def test_what_is_no_retry_is_refused(spec: str) -> None:
    assert len(check_definition(TEXT % spec, "f")[1]) == 1
