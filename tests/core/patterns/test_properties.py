"""Each machine against a reference that knows the whole series; arrivals in any order; a restart at any point."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from streams.core.patterns import Absence, Count, Form, Level, Pattern, Sequence
from tests.core.patterns.playing import Arrival, play

END = 1_000
Readings = list[tuple[int, list[bool]]]
"""(event time, truths), in order, at distinct times."""
short = st.integers(1, 40)


def readings(conditions: int) -> st.SearchStrategy[Readings]:
    truths = st.lists(st.booleans(), min_size=conditions, max_size=conditions)
    return st.dictionaries(st.integers(0, 200), truths, max_size=25).map(lambda found: sorted(found.items()))


# ---- what each form means, said over the whole series


def level_reference(form: Level, series: Readings) -> list[int]:
    """A millisecond at a time: does it hold, since when, has it fired."""
    at = dict(series)
    fired: list[int] = []
    holds_since = last = off_since = again = None
    alarm = False
    for now in range(END + 1):
        if holds_since is not None and form.max_gap is not None and now > last + form.max_gap:
            holds_since, off_since = None, last + form.max_gap  # the gap is noticed a moment later
        if alarm and off_since is not None and now > off_since + form.off_delay:
            alarm, again, off_since = False, None, None
        truths = at.get(now)
        if truths is not None:
            on = truths[0]
            off = truths[1] and not on if form.hysteresis else not on
            if on or (holds_since is not None and not off):
                holds_since, last, off_since = now if holds_since is None else holds_since, now, None
            elif off:
                holds_since = None
                off_since = now if off_since is None else off_since
        if alarm and off_since is not None and form.off_delay == 0:
            alarm, again = False, None
        if holds_since is not None and not alarm and now - holds_since >= form.on_delay:
            alarm = True
            again = None if form.re_alarm is None else now
            fired.append(now)
        elif alarm and again is not None and (now - again) % form.re_alarm == 0 and holds_since is not None:
            fired.append(now)
    return fired


def count_reference(form: Count, series: Readings) -> list[int]:
    """The first reading that ends ``count`` of them, none used before, within the time."""
    hits = [at for at, truths in series if truths[0]]
    fired: list[int] = []
    unused = 0
    for index in range(len(hits)):
        first = index - form.count + 1
        if first >= unused and hits[index] - hits[first] <= form.within:
            fired.append(hits[index])
            unused = index + 1
    return fired


def sequence_reference(form: Sequence, series: Readings) -> list[int]:
    """Every choice of readings, by brute force; the one that is complete first, then the rest of the series."""
    fired: list[int] = []
    begin = 0
    for end in range(len(series)):

        def ways(step: int, before: int, end: int = end, begin: int = begin) -> list[int]:
            """When the ways begin that have ``step`` on a reading before ``before``."""
            found = []
            for index in range(begin, before):
                if series[index][1][step]:
                    found += [series[index][0]] if step == 0 else ways(step - 1, index)
            return found

        at, truths = series[end]
        starts = ways(form.steps - 2, end) if truths[form.steps - 1] else []
        if any(at - start <= form.within for start in starts):
            fired.append(at)
            begin = end + 1
    return fired


def absence_reference(form: Absence, series: Readings) -> list[int]:
    """From each reading that counts to the next one."""
    if not series:
        return []
    counting = [at for at, truths in series if truths[0]]
    if series[0][0] not in counting:
        counting = [series[0][0], *counting]
    fired: list[int] = []
    for since, until in zip(counting, [*counting[1:], END + 1], strict=True):
        moments = [since + form.absent]
        while form.re_alarm is not None and moments[-1] + form.re_alarm < until:
            moments.append(moments[-1] + form.re_alarm)
        fired += [one for one in moments if one < until]
    return fired


levels = st.builds(
    Level,
    on_delay=st.integers(0, 40),
    off_delay=st.integers(0, 40),
    re_alarm=st.none() | short,
    max_gap=st.none() | short,
    hysteresis=st.booleans(),
)
counts = st.integers(1, 5).flatmap(lambda count: st.builds(Count, st.just(count), within=short))
sequences = st.builds(Sequence, st.integers(2, 4), within=st.integers(1, 100))
absences = st.builds(Absence, short, re_alarm=st.none() | short)
forms = levels | counts | sequences | absences
REFERENCES: dict[type, tuple[int, Callable[..., list[int]]]] = {
    Level: (2, level_reference),
    Count: (1, count_reference),
    Sequence: (4, sequence_reference),
    Absence: (1, absence_reference),
}


@given(forms, st.data())
def test_a_form_fires_when_its_reference_says(form: Form, data: st.DataObject) -> None:
    conditions, reference = REFERENCES[type(form)]
    series = data.draw(readings(conditions))
    player = play(Pattern(form, "p"), [Arrival(at, at, truths) for at, truths in series], END)
    assert [firing.at for firing in player.firings] == reference(form, series)


@given(forms, st.integers(0, 60), st.integers(0, 300), st.integers(0, 50), st.data())
def test_arrivals_in_any_order_within_the_lateness_fire_the_same(
    form: Form, lateness: int, cooldown: int, lag: int, data: st.DataObject
) -> None:
    """Devices' clocks that are all late by ``lag`` change nothing either."""
    conditions, _ = REFERENCES[type(form)]
    series = data.draw(readings(conditions))
    delays = data.draw(st.lists(st.integers(0, lateness), min_size=len(series), max_size=len(series)))
    in_order = [Arrival(at, at, truths, at) for at, truths in series]
    shuffled = [Arrival(one.at + lag + delay, *one[1:]) for one, delay in zip(in_order, delays, strict=True)]
    expected = play(Pattern(form, "p", cooldown=cooldown), in_order, END)
    player = play(Pattern(form, "p", lateness, cooldown), shuffled, END + lag + lateness + lateness)
    assert player.late == 0
    assert [one for one in player.firings if one.at <= END] == expected.firings


@given(forms, st.integers(0, 60), st.integers(0, 300), st.data())
def test_a_restart_at_any_point_changes_nothing(form: Form, lateness: int, cooldown: int, data: st.DataObject) -> None:
    conditions, _ = REFERENCES[type(form)]
    series = data.draw(readings(conditions))
    delays = data.draw(st.lists(st.integers(0, 80), min_size=len(series), max_size=len(series)))
    arriving = [Arrival(at + delay, at, truths, at) for (at, truths), delay in zip(series, delays, strict=True)]
    pattern = Pattern(form, "p", lateness, cooldown)
    once = play(pattern, arriving, END)
    again = play(pattern, arriving, END, restarts=True)
    assert (again.firings, again.late, again.window) == (once.firings, once.late, once.window)
