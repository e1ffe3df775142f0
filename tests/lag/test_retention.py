"""What retention will take, told long before; and what of the topics' settings must not be so."""

from typing import Any

import pytest
import structlog

from projections import guard as module
from projections.guard import RetentionGuard
from streams.retention import Retention, problems, retention_of
from streams.settings import Settings
from streams.topics import Topics, load_topics
from tests.site import TOPICS

DAY_S = 86_400.0
TELEMETRY = "heatpump-telemetry"
FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}


@pytest.fixture
def topics() -> Topics:
    return load_topics(Settings(_env_file=None, topics_file=TOPICS))


def found(topics: Topics, **configs: dict[str, str]) -> dict[str, Retention]:
    """As the broker would have it: for ever, but what ``configs`` say by the role of the topic."""
    named = {"commands": topics.commands, "events": topics.events, "telemetry": topics.telemetry[TELEMETRY]}
    others = {name: retention_of(topic, FOR_EVER) for name, topic in topics.telemetry.items()}
    own = {topic.name: retention_of(topic, FOR_EVER | configs.get(role, {})) for role, topic in named.items()}
    return others | own


@pytest.mark.parametrize(
    ("lag_s", "margin_s", "warned"),
    [(0.0, 7 * DAY_S, False), (3 * DAY_S, 4 * DAY_S, False), (4 * DAY_S, 3 * DAY_S, True), (8 * DAY_S, -DAY_S, True)],
)
def test_half_of_the_time_before_it_is_told(lag_s: float, margin_s: float, warned: bool) -> None:
    retention = Retention("t", 7 * DAY_S, None)
    assert retention.margin_s(lag_s) == margin_s
    assert (retention.warning(lag_s) is not None) == warned


def test_what_is_kept_for_ever_or_of_unknown_age_has_no_margin() -> None:
    assert Retention("t", None, None).margin_s(10 * DAY_S) is None
    assert Retention("t", None, None).warning(10 * DAY_S) is None
    assert Retention("t", DAY_S, None).margin_s(None) is None


def test_settings_that_delete_what_must_stay_are_named(topics: Topics) -> None:
    assert problems(topics, found(topics, telemetry={"retention.ms": "1000"})) == []
    assert [text.split(" is set")[0] for text in problems(topics, found(topics, events={"retention.ms": "1000"}))] == [
        "process-events: retention.ms"
    ]
    told = problems(topics, found(topics, commands={"retention.bytes": "1"}, telemetry={"retention.bytes": "1"}))
    assert [text.split(" is set")[0] for text in told] == [
        "process-commands: retention.bytes",
        f"{TELEMETRY}: retention.bytes",
    ]
    (compacted,) = problems(topics, found(topics, events={"cleanup.policy": "compact", "retention.ms": "1000"}))
    assert compacted.startswith("process-events: cleanup.policy is compact")


async def test_a_slow_projector_says_so_itself(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = found(topics, telemetry={"retention.ms": str(round(7 * DAY_S * 1000))})

    async def read(*_: Any) -> dict[str, Retention]:
        return kept

    monkeypatch.setattr(module, "read_retentions", read)
    lag_s = 0.0
    guard = RetentionGuard(Settings(_env_file=None), topics, lambda _: lag_s)
    assert guard.samples() == [], "not asked yet"
    with structlog.testing.capture_logs() as logs:
        await guard.look()
        assert logs == []
        lag_s = 5 * DAY_S
        await guard.look()
    (warning,) = logs
    assert TELEMETRY in warning["problem"]
    (sample,) = guard.samples()
    assert (sample.name, sample.value, sample.labels) == (
        "weir_retention_margin_seconds",
        2 * DAY_S,
        (TELEMETRY,),
    )
