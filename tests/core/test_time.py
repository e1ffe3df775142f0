from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.clock import PlantClock
from streams.core.device_time import device_us
from streams.core.durations import instant, instant_ms, instant_text, parse_duration_ms, parse_instant_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("250ms", 250),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1.5h", 5_400_000),
        ("2d", 172_800_000),
        ("PT5M", 300_000),
        ("P1DT2H", 93_600_000),
        ("PT0.25S", 250),
        (" 1w ", 604_800_000),
    ],
)
def test_durations(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "5 min", "m5", "-5m", "0s", "P", "PT", "P1Y", "11000d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration_ms(text)


@given(st.integers(0, 4_102_444_800_000))
def test_instants_go_round(ms: int) -> None:
    assert instant_ms(instant(ms)) == ms
    assert parse_instant_ms(instant_text(ms)) == ms


def test_wall_time_is_plant_time_in_production() -> None:
    assert PlantClock.parse("wall").plant_ms(1_763_000_000_123.9) == 1_763_000_000_123


def test_an_accelerated_plant_passes_five_minutes_in_100_ms() -> None:
    clock = PlantClock.parse("2013-12-10T06:25:00Z@2026-11-21T02:00:00Zx3000")
    wall = instant_ms(datetime(2026, 11, 21, 2, tzinfo=UTC))
    assert instant_text(clock.plant_ms(wall)) == "2013-12-10T06:25:00.000Z"
    assert instant_text(clock.plant_ms(wall + 100)) == "2013-12-10T06:30:00.000Z"


@given(st.integers(0, 10**9))
def test_wall_undoes_plant(ms: int) -> None:
    clock = PlantClock(1_700_000_000_000, 1_386_000_000_000, 3000.0)
    assert abs(clock.plant_ms(clock.wall_ms(1_386_000_000_000 + ms)) - (1_386_000_000_000 + ms)) <= 1


@pytest.mark.parametrize("text", ["", "fast", "2013-12-10@x3", "2013-12-10@2026-11-21x0", "2013-12-10@2026-11-21x-1"])
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Expected"):
        PlantClock.parse(text)


T0 = 1_790_000_000_000  # Unix ms: 2026-09-21T14:13:20Z


@pytest.mark.parametrize(
    ("timestamp", "unix_us"),
    [
        ("2026-09-21T14:13:20Z", T0 * 1000),
        ("2026-09-21T16:13:20.000125+02:00", T0 * 1000 + 125),
        ("2026-09-21T14:13:20", T0 * 1000),
        (T0 / 1000, T0 * 1000),
        (T0 // 1000, T0 * 1000),
        (T0, T0 * 1000),
        (T0 + 0.25, T0 * 1000 + 250),
        ("yesterday", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_a_devices_time(timestamp: object, unix_us: int | None) -> None:
    assert device_us(timestamp) == unix_us
