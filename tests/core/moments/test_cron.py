"""Cron schedules against a walk over every minute, and the days on which clocks are put forward and back, by hand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.durations import instant, instant_ms
from streams.core.moments import Cron, CronError, Every, last_until, parse_cron, passed, zone
from streams.core.moments.walls import next_shown, next_time_of_day
from streams.core.moments.zones import UnknownZoneError

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
CHANGES = [
    (BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a whole day was left out
    ("America/St_Johns", datetime(2006, 4, 2, 3, 31, tzinfo=UTC)),  # at one minute past midnight
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC)),  # never
    ("UTC", datetime(2026, 6, 1, tzinfo=UTC)),
]


def times(text: str, name: str, begin: str, count: int) -> list[str]:
    """The first moments from ``begin``, a local time, as the zone's wall clock shows them, with the offset."""
    where = zone(name)
    cron = Cron.of(text, where)
    at = instant_ms(datetime.fromisoformat(begin).replace(tzinfo=where)) - 1
    found = []
    for _ in range(count):
        following = cron.next_after(at)
        assert following is not None
        at = following
        found.append(instant(at).astimezone(where).isoformat(" ", "minutes"))
    return found


def test_berlin_puts_the_clock_forward() -> None:
    """02:00 to 03:00 is not there on 29 March."""
    assert times("30 2 * * *", BERLIN, "2026-03-28", 3) == [
        "2026-03-28 02:30+01:00",
        "2026-03-29 03:00+02:00",
        "2026-03-30 02:30+02:00",
    ]
    assert times("0 3 * * *", BERLIN, "2026-03-29", 1) == ["2026-03-29 03:00+02:00"]
    assert times("0,30 2,3 * * *", BERLIN, "2026-03-29", 3) == [
        "2026-03-29 03:00+02:00",  # 02:00, 02:30 and 03:00: the same moment, once
        "2026-03-29 03:30+02:00",
        "2026-03-30 02:00+02:00",
    ]
    assert times("30 * * * *", BERLIN, "2026-03-29 01:00", 3) == [
        "2026-03-29 01:30+01:00",
        "2026-03-29 03:30+02:00",
        "2026-03-29 04:30+02:00",
    ]
    assert times("*/30 2 * * *", BERLIN, "2026-03-28 02:30", 2) == ["2026-03-28 02:30+01:00", "2026-03-30 02:00+02:00"]


def test_berlin_puts_the_clock_back() -> None:
    """02:00 to 03:00 is there twice on 25 October."""
    assert times("30 2 * * *", BERLIN, "2026-10-25", 2) == ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"]
    assert times("0 3 * * *", BERLIN, "2026-10-25", 1) == ["2026-10-25 03:00+01:00"]
    assert times("30 * * * *", BERLIN, "2026-10-25 01:00", 4) == [
        "2026-10-25 01:30+02:00",
        "2026-10-25 02:30+02:00",
        "2026-10-25 02:30+01:00",
        "2026-10-25 03:30+01:00",
    ]


def test_new_york() -> None:
    assert times("30 2 * * *", NEW_YORK, "2026-03-08", 2) == ["2026-03-08 03:00-04:00", "2026-03-09 02:30-04:00"]
    assert times("30 1 * * *", NEW_YORK, "2026-11-01", 2) == ["2026-11-01 01:30-04:00", "2026-11-02 01:30-05:00"]
    assert times("*/20 1 * * *", NEW_YORK, "2026-11-01", 7)[2:] == [
        "2026-11-01 01:40-04:00",
        "2026-11-01 01:00-05:00",
        "2026-11-01 01:20-05:00",
        "2026-11-01 01:40-05:00",
        "2026-11-02 01:00-05:00",
    ]


def test_lord_howe_moves_by_half_an_hour() -> None:
    """On 4 October 02:00 to 02:30 is not there; on 5 April 01:30 to 02:00 is there twice."""
    assert times("15 2 * * *", LORD_HOWE, "2026-10-04", 2) == ["2026-10-04 02:30+11:00", "2026-10-05 02:15+11:00"]
    assert times("45 2 * * *", LORD_HOWE, "2026-10-04", 1) == ["2026-10-04 02:45+11:00"]
    assert times("*/15 3 * * *", LORD_HOWE, "2026-10-04", 2) == ["2026-10-04 03:00+11:00", "2026-10-04 03:15+11:00"]
    assert times("30 * * * *", LORD_HOWE, "2026-10-04 01:00", 3) == [
        "2026-10-04 01:30+10:30",
        "2026-10-04 02:30+11:00",  # the first minute after the gap is one of the schedule's
        "2026-10-04 03:30+11:00",
    ]
    assert times("45 1 * * *", LORD_HOWE, "2026-04-05", 2) == ["2026-04-05 01:45+11:00", "2026-04-06 01:45+10:30"]
    assert times("45 * * * *", LORD_HOWE, "2026-04-05 01:00", 3) == [
        "2026-04-05 01:45+11:00",
        "2026-04-05 01:45+10:30",
        "2026-04-05 02:45+10:30",
    ]


def test_a_day_that_is_left_out() -> None:
    """Samoa had no 30 December 2011."""
    assert times("0 6 * * *", "Pacific/Apia", "2011-12-29", 3) == [
        "2011-12-29 06:00-10:00",
        "2011-12-31 00:00+14:00",
        "2011-12-31 06:00+14:00",
    ]


field = st.sampled_from
minutes = field(["*", "0", "30", "7,52", "*/15", "5-50/15", "59"])
hours = field(["*", "0", "2", "1-3", "*/2", "3,23", "0,1,2"])
days = field(["*", "29", "L", "1,15", "25-30"])
months = field(["*", "3,4,10,11", "*/2", "12"])
weekdays = field(["*", "0", "SUN#1", "1-5", "6L", "7"])
schedules = st.builds(lambda *fields: " ".join(fields), minutes, hours, days, months, weekdays)


@given(schedules, st.sampled_from(CHANGES), st.integers(-1500, 1500))
@example("30 2 * * *", CHANGES[0], -60)
@example("*/15 1-3 * * *", CHANGES[4], -600)
@example("45 1 * * *", CHANGES[5], -600)
@example("0,1,2 0,1,2 * * *", CHANGES[7], -600)
def test_it_matches_a_walk_over_every_minute(text: str, change: tuple[str, datetime], minutes_away: int) -> None:
    name, changed = change
    begin = changed + timedelta(minutes=minutes_away)
    end = begin + timedelta(minutes=2000)
    expected = walk(text, name, begin, end)
    cron, at, found = Cron.of(text, zone(name)), instant_ms(begin), []
    while (following := cron.next_after(at)) is not None and following <= instant_ms(end):
        assert following > at
        found.append(following)
        at = following
    assert found == expected


def walk(text: str, name: str, begin: datetime, end: datetime) -> list[int]:
    """What a cron daemon that wakes every minute would start in ``(begin, end]``, by the rules of ``cron(8)``."""
    matcher = parse_cron(text)
    minute, hour = text.split()[:2]
    by_the_clock = minute.startswith("*") or hour.startswith("*")
    found: list[int] = []
    where = zone(name)
    shown_until = (begin - timedelta(days=2)).astimezone(where).replace(tzinfo=None)
    at = begin - timedelta(days=2)
    while at <= end:
        local = at.astimezone(where).replace(tzinfo=None)
        if by_the_clock:
            due = matches(matcher, local)
        else:  # every minute that the clock has passed since it last showed a new one, skipped ones too
            due = False
            while shown_until < local:
                shown_until += timedelta(minutes=1)
                due = due or matches(matcher, shown_until)
        if due and begin < at:
            found.append(instant_ms(at))
        at += timedelta(minutes=1)
    return found


def matches(matcher, local: datetime) -> bool:
    return (
        local.minute in matcher.minutes
        and local.hour in matcher.hours
        and local.month in matcher.months
        and matcher.match_day(local.date())
    )


@given(schedules, st.sampled_from([name for name, _ in CHANGES]), st.integers(0, 4_102_444_800_000))
def test_moments_only_go_forward(text: str, name: str, ms: int) -> None:
    cron = Cron.of(text, zone(name))
    one = cron.next_after(ms)
    assert one is not None
    assert one > ms
    assert one % 60_000 == 0
    assert cron.next_after(one - 1) == one
    two = cron.next_after(one)
    assert two is not None
    assert two > one
    assert last_until(cron, two, ms) == two
    assert last_until(cron, two - 1, ms) == one
    assert last_until(cron, one - 1, ms + 1) is None


@given(schedules, st.sampled_from(CHANGES), st.integers(1, 5), st.integers(1, 3000))
def test_what_has_passed(text: str, change: tuple[str, datetime], most: int, minutes_later: int) -> None:
    cron = Cron.of(text, zone(change[0]))
    first = cron.next_after(instant_ms(change[1]) - 86_400_000)
    assert first is not None
    now = first + minutes_later * 60_000
    everything = [first]
    while (following := cron.next_after(everything[-1])) is not None and following <= now:
        everything.append(following)
    latest, older = passed(cron, first, now, most)
    assert latest == everything[-most:]
    rest = everything[:-most]
    assert older == ((rest[0], rest[-1]) if rest else None)


def test_a_moment_of_seconds_and_milliseconds_is_asked_about() -> None:
    cron = Cron.of("0 6 * * *", zone("UTC"))
    six = instant_ms(datetime(2026, 5, 1, 6, tzinfo=UTC))
    assert cron.next_after(six - 1) == six
    assert cron.next_after(six) == six + 86_400_000
    assert cron.next_after(six + 1) == six + 86_400_000


def test_nicknames_and_names() -> None:
    assert times("@daily", BERLIN, "2026-06-01 00:01", 1) == ["2026-06-02 00:00+02:00"]
    assert times("0 6 * JAN mon", "UTC", "2026-06-01", 1) == ["2027-01-04 06:00+00:00"]
    hourly = times("@hourly", "UTC", "2026-06-01", 3)
    assert [b > a for a, b in pairwise(hourly)] == [True, True]


def test_a_schedule_in_the_far_future_is_found() -> None:
    assert times("*/30 * 29 2 *", BERLIN, "2026-06-01", 1) == ["2028-02-29 00:00+01:00"]
    assert times("0 6 29 2 *", BERLIN, "2026-06-01", 1) == ["2028-02-29 06:00+01:00"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 6 * *", "Expected five fields (minute, hour, day of month, month, day of week) or one of @yearly"),
        ("0 0 6 * * *", "Expected five fields"),
        ("@reboot", "Expected five fields"),
        ("61 * * * *", "Expected a cron expression, but got '61 * * * *': bad minute"),
        ("0 6 * * nope", "bad day-of-week"),
        ("0 6 30 2 *", "bad day-of-month"),
        ("", "Expected five fields"),
    ],
)
def test_what_is_no_cron_expression(text: str, message: str) -> None:
    with pytest.raises(CronError) as raised:
        Cron.of(text, zone("UTC"))
    assert message in str(raised.value)


def test_a_zone_that_is_none() -> None:
    for name in ("Europe/Nowhere", "", "../tzdata/zones", "Europe"):
        with pytest.raises(UnknownZoneError):
            zone(name)


def test_a_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(CronError, match="comes some day, but '0 0 LW \\* \\*/7' never does"):
        Cron.of("0 0 LW * */7", zone("UTC"))  # the last weekday of a month, if that is a Sunday


def test_a_time_of_day_that_has_come_does_not_come_again_when_the_clock_is_put_back() -> None:
    cron = Cron.of("30 2 * * *", zone(BERLIN))
    first = instant_ms(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert cron.next_after(first - 1) == first
    # ten past two, for the second time
    assert cron.next_after(first + 40 * 60_000) == instant_ms(datetime(2026, 10, 26, 1, 30, tzinfo=UTC))


def test_a_schedule_that_ends_has_no_next_moment() -> None:
    end = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - as wall time

    def until_noon(at: datetime) -> datetime | None:
        return end if at < end else None

    s = instant_ms(end.replace(tzinfo=UTC)) // 1000
    for following in (next_time_of_day, next_shown):
        assert following(until_noon, zone("UTC"), s - 1) == s
        assert following(until_noon, zone("UTC"), s) is None


def test_the_last_moment_until_an_instant() -> None:
    cron = Cron.of("0 * * * *", zone("UTC"))
    one, hour = instant_ms(datetime(2026, 6, 1, tzinfo=UTC)), 3_600_000
    assert last_until(cron, one + hour + 1, one) == one + hour
    assert last_until(cron, one + hour - 1, one) == one
    assert last_until(cron, one + hour - 1, one + 1) is None


def test_what_was_a_moment_before_the_zones_changed_comes_once_and_counts_among_the_older() -> None:
    every = Every(1_000)
    assert passed(every, 1_500, 1_900, 1) == ([1_500], None)
    assert passed(every, 1_500, 2_000, 1) == ([2_000], (1_500, 1_500))
    assert passed(every, 1_500, 4_000, 2) == ([3_000, 4_000], (1_500, 2_000))
