"""Who comes and goes, without any service: by what positions and messages say."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.station.geometry import Circle, Point
from streams.station.model import Bot, BotTrigger, Fix, Message, User, Zone
from streams.station.presence import People, Sighting, hears, is_inside, reassess, take_messages, take_positions

HOME = Point(48.2, 16.37)
METRE = 1 / 111_195
"""Degrees of latitude."""
ZONES = [Zone("in", "In", Circle(HOME, 100.0), margin_m=20), Zone("out", "Out", Circle(HOME, 300.0), margin_m=0)]
T = 1_386_656_700_000


def north(metres: float) -> Point:
    return Point(HOME.lat + metres * METRE, HOME.lon)


def people(*user_ids: str, online: bool = True) -> People:
    return People(users={one: User(one, one.title(), ("staff",), online) for one in user_ids})


def sightings(*metres: float, user_id: str = "ann", accuracy: float = 0.0) -> list[Sighting]:
    return [
        Sighting(user_id, Fix(north(one), T + 1000 * n, accuracy), T + 1000 * n, f"positions/0/{n}")
        for n, one in enumerate(metres)
    ]


def told(found: People) -> list[tuple[str, Any]]:
    return [(event.name, event.tags.get("zone_id")) for event in found.events]


def test_somebody_walks_through_two_zones() -> None:
    found = people("ann")
    take_positions(found, ZONES, sightings(500, 250, 50, 110, 130, 310))
    assert told(found) == [
        ("zone_entry", "out"), ("zone_entry", "in"), ("zone_exit", "in"), ("zone_exit", "out"),
    ]  # fmt: skip
    assert found.inside == {"ann": {}}
    assert (found.fixes["ann"].time_ms, found.moved) == (T + 5000, {"ann"})
    assert [event.fields.get("seconds") for event in found.events] == [None, None, 2.0, 4.0]
    value = orjson.loads(found.events[0].value())
    assert value["tags"] | {"event_id": "?"} == {
        "event": "zone_entry", "event_id": "?", "user_id": "ann", "zone_id": "out",
    }  # fmt: skip
    assert value["timestamp"] == "2013-12-10T06:25:01.000Z"


def test_a_position_that_may_be_wrong_by_more_than_the_margin_is_no_exit() -> None:
    found = people("ann")
    take_positions(found, ZONES[:1], sightings(50, 150, accuracy=60))
    assert told(found) == [("zone_entry", "in")]


def test_an_old_position_is_a_sign_of_life_and_moves_nobody() -> None:
    found = people("ann", online=False)
    late = Sighting("ann", Fix(north(0), T), T + 9000, "positions/0/9")
    found.fixes["ann"] = Fix(north(500), T)
    take_positions(found, ZONES, [late])
    assert told(found) == [("user_online", None)]
    assert (found.users["ann"].seen_ms, found.moved) == (T + 9000, set())


def test_a_zone_that_is_not_active_has_nobody_in_it() -> None:
    closed = replace(ZONES[0], active=False)
    assert not is_inside(closed, Fix(HOME, T), was_inside=True)
    assert reassess(closed, {"ann": Fix(HOME, T)}, {"ann": T}) == ([], ["ann"])


@given(st.lists(st.floats(-400, 400), max_size=30), st.integers(0, 30))
def test_entries_and_exits_take_turns_and_batches_make_no_difference(ways: list[float], cut: int) -> None:
    once, twice = people("ann"), people("ann")
    all_of_them = sightings(*ways)
    take_positions(once, ZONES, all_of_them)
    take_positions(twice, ZONES, all_of_them[:cut])
    take_positions(twice, ZONES, all_of_them[cut:])
    assert (once.events, once.inside, once.fixes) == (twice.events, twice.inside, twice.fixes)
    for zone in ZONES:
        names = [name for name, zone_id in told(once) if zone_id == zone.id]
        assert all(first != second for first, second in pairwise(names))
        assert names[:1] in ([], ["zone_entry"])
        assert (len(names) % 2 == 1) is (zone.id in once.inside.get("ann", {}))
    ids = [orjson.loads(event.value())["tags"]["event_id"] for event in once.events]
    assert len(set(ids)) == len(ids)


@given(st.floats(-400, 400), st.lists(st.floats(-9.9, 9.9), min_size=1, max_size=20))
def test_noise_below_half_the_margin_brings_at_most_one_event(stands: float, noise: list[float]) -> None:
    found = people("ann")
    take_positions(found, ZONES[:1], sightings(*(stands + one for one in noise)))
    assert len(found.events) <= 1


def test_who_is_new_is_registered_and_online_before_anything_else() -> None:
    found = people("ann", online=False)
    found.new = {"ann"}
    take_positions(found, ZONES[:1], sightings(0, 1))
    assert [event.name for event in found.events] == ["user_registered", "user_online", "zone_entry"]
    assert (found.new, found.users["ann"].online) == (set(), True)


def test_a_message_is_received_and_sets_off_the_bots_that_hear_their_word() -> None:
    helper = Bot("helper", "Helper", (BotTrigger("help", "Help"), BotTrigger("sos", "sos"), BotTrigger("all", "me")))
    off = Bot("off", "Off", (BotTrigger("help", "help"),), enabled=False)
    found = people("ann")
    message = Message("m1", "in", "message", "HELP me, please", T, "ann", "night")
    take_messages(found, [helper, off], [(message, "messages/0/1")])
    assert [(event.name, event.tags.get("trigger")) for event in found.events] == [
        ("message_received", None), ("bot_trigger_fired", "help"), ("bot_trigger_fired", "all"),
    ]  # fmt: skip
    received, fired, _ = found.events
    assert received.tags == {"user_id": "ann", "channel": "night", "message_id": "m1"}
    assert received.fields == {"user_name": "Ann", "groups": ["staff"], "text": "HELP me, please"}
    assert (fired.key, fired.fields["text"], fired.fields["message_id"]) == ("ann", "HELP me, please", "m1")
    assert found.messages == [message]


def test_a_word_stands_for_itself() -> None:
    assert hears("!status", "the !STATUS, now")
    assert hears("straße", "Die Straße.")
    assert not hears("help", "helpless")
    assert not hears("a.c", "abc")
