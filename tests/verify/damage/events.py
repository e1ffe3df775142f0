"""Damage to the events of a plant at rest (``QuietPlant.story``)."""

import msgspec

from streams.codec import encode_event
from streams.core.commands import StartProcess
from streams.core.durations import instant
from streams.core.events import Event
from tests.verify.damage.edits import HOUR, Damage, add, change, gone, later, running, twice, with_
from tests.verify.quiet_plant import MINUTE_MS, QuietPlant, with_data


def another_home(plant: QuietPlant) -> None:
    def moved(event: Event) -> Event:
        there = 1 - int(event.subject[15:18], 16)
        return msgspec.structs.replace(event, subject=f"{event.subject[:15]}{there:03x}{event.subject[18:]}")

    plant.rewrite(lambda event: event.type == "started", moved)


def goes_on_behind_its_end(plant: QuietPlant) -> None:
    ended = next(event.subject for _, event in plant.events() if event.type == "completed")
    add(plant, ended, "variable_changed", {"name": "answer", "value": "off"})


def answered_twice(plant: QuietPlant) -> None:
    data = {"execution": 1, "output": {"command": "on"}}
    add(plant, running(plant, "approve"), "activity_completed", data, "cool")


def told_unasked(plant: QuietPlant) -> None:
    add(plant, running(plant, "approve"), "notice_sent", {"notice": 99}, "approve")


def older_command(plant: QuietPlant) -> None:
    """The last command of a partition that has events was carried out before the others, by what its events say."""
    partition, last = next((p, e) for p, e in reversed(plant.events()) if not e.cause.endswith(":timer"))
    plant.rewrite(lambda event: event == last, lambda event: msgspec.structs.replace(event, cause=f"{partition}:0"))


def overtaken(plant: QuietPlant) -> None:
    """By timers that were due long after the command."""
    for _, event in plant.events():
        if event.type == "timer_started":
            plant.rewrite(lambda other, event=event: other == event, lambda event: later(event, "due", HOUR))


def asks_again(plant: QuietPlant) -> None:
    subject = running(plant, "approve")
    data = {"execution": 2, "name": "go"}
    add(plant, subject, "message_awaited", data, "approve")
    request = next(event for _, event in plant.events() if event.type == "action_requested")
    key = f"{subject}:approve:2"
    add(plant, subject, "action_requested", request.data | {"execution": 2, "idempotency_key": key}, "approve")


def never_answered(plant: QuietPlant) -> None:
    """It completes with its request still open."""
    done = {event.subject for _, event in plant.events() if event.type == "completed"}
    plant.rewrite(
        lambda event: event.type == "activity_completed" and event.activity_id == "cool" and event.subject in done,
        gone,
    )


def another_output(plant: QuietPlant) -> None:
    plant.rewrite(
        lambda event: event.type == "activity_completed" and event.activity_id == "approve",
        with_(output={"other": 1}),
    )


def forgotten_at_a_key(plant: QuietPlant) -> None:
    """The start took no message, though one waited."""
    event = Event(1, "signal_buffered", "key:late", 1, instant(plant.now_ms), "", 0, "0:999", data={})
    event.data = {"name": "go", "payload": {}, "expires_ms": plant.now_ms + MINUTE_MS}
    runs = next(p for p, e in plant.events() if e.type == "started" and e.data["key"] == "late")
    event.cause = f"{runs}:999"
    plant.append(plant.topics.events.name, runs, b"key:late", encode_event(event))


def waits_for_nothing(plant: QuietPlant) -> None:
    subject = running(plant, "approve")
    plant.rewrite(lambda event: event.subject == subject and event.type == "message_awaited", gone)


def timer_left_behind(plant: QuietPlant) -> None:
    plant.send(StartProcess(definition_id="waiting", key="w4"), "w4")  # a message waits for it, then it naps
    plant.work()
    plant.now_ms += 60 * MINUTE_MS


def alarm_left_behind(plant: QuietPlant) -> None:
    plant.now_ms += 60 * MINUTE_MS


def comes_again(plant: QuietPlant) -> None:
    fired = [event for _, event in plant.events() if event.type == "schedule_fired"]
    add(plant, fired[-1].subject, "schedule_fired", fired[-1].data)


def comes_early(event: Event) -> Event:
    alarm = event.data["alarms"]["0"]
    return with_data(event, alarms={"0": alarm | {"due": "2013-12-10T06:59:00Z"}})


def overtakes(plant: QuietPlant) -> None:
    """The first of those that wait is passed over."""
    granted = next(event for _, event in plant.events() if event.type == "slot_granted")
    add(plant, granted.subject, "slot_awaited", {"instance_id": "first", "limit": 9})
    add(plant, granted.subject, "slot_granted", {"instance_id": "second", "limit": 9})


def no_event(plant: QuietPlant) -> None:
    plant.append(plant.topics.events.name, 0, b"x", b"{}")


def another_key(plant: QuietPlant) -> None:
    plant.of(plant.topics.events.name)[0][3].key = b"another"


PLANTED: dict[str, dict[str, Damage]] = {
    "sequence": {
        "an event is missing": change("variable_changed", gone),
        "an event is there twice": twice("events", 1),
    },
    "time": {
        "time goes back": change("timer_fired", lambda event: msgspec.structs.replace(event, time=event.time - HOUR))
    },
    "home": {"an instance began elsewhere": another_home},
    "ended": {"an event behind the end": goes_on_behind_its_end},
    "outcome": {"a second answer": answered_twice},
    "timer": {"a timer fires early": change("timer_started", lambda event: later(event, "due", HOUR))},
    "order": {
        "an older command behind a newer one": older_command,
        "a command of another partition": change(
            "activity_started",
            lambda event: msgspec.structs.replace(event, cause=f"{1 - int(event.cause[0])}{event.cause[1:]}"),
        ),
        "a command behind a timer that was due later": overtaken,
        "no place of a command": change("completed", lambda event: msgspec.structs.replace(event, cause="0:x")),
    },
    "request": {
        "another idempotency key": change("action_requested", with_(idempotency_key="x")),
        "another execution": change("action_requested", with_(execution=7)),
        "a deadline before the end": change("action_requested", lambda event: later(event, "deadline", -HOUR)),
        "an activity asks again": asks_again,
        "a request that nobody answered": never_answered,
    },
    "delivery": {
        "another payload is received": change("signal_received", with_(payload={"other": 1})),
        "a released message is not received": change("signal_received", gone),
        "a message that no key has released": change("signal_released", gone),
        "a message is given up early": change(
            "signal_released", lambda event: msgspec.structs.replace(event, type="signal_expired")
        ),
        "a message is released late": change("signal_buffered", with_(expires_ms=0)),
        "another message leaves the key": change("signal_released", with_(name="other")),
        "a message that the key does not hold": change("signal_released", with_(index=5)),
        "an activity gets another payload": another_output,
    },
    "forgotten": {
        "a key is forgotten that holds a message": change(
            "signal_released", lambda event: msgspec.structs.replace(event, type="key_forgotten")
        ),
    },
    "waits": {"an instance waits for nothing": waits_for_nothing},
    "held": {"a key keeps a message from what runs": forgotten_at_a_key},
    "overdue": {"a timer is left behind": timer_left_behind, "an alarm is left behind": alarm_left_behind},
    "slots": {
        "more run than there are slots": change("slot_granted", with_(limit=0)),
        "one overtakes another": overtakes,
    },
    "schedule": {
        "a moment is left out": change("schedule_fired", gone),
        "a moment comes again": comes_again,
        "a moment comes early": change("schedule_set", comes_early),
        "the next moment is an earlier one": change("schedule_fired", with_(next="2013-12-10T06:00:00Z")),
        "a trigger that is none": change("schedule_fired", with_(trigger=7)),
    },
    "notice": {"nobody asked": told_unasked},
    "record": {"no event": no_event, "an event under another key": another_key},
}
"""By check, what to plant for it."""
