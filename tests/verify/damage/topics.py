"""Damage to the topics around the events, and to what is known of what was sent."""

from dataclasses import replace

import msgspec
import orjson

from benchmarks.written import Record
from streams.codec import decode_event, encode_event
from streams.deadletters import DeadLetter
from streams.transport.port import TopicPartition
from tests.verify.damage.edits import Damage, change, gone, remove, twice, with_
from tests.verify.quiet_plant import TELEMETRY, QuietPlant, with_data
from weir.verify.sent import Acknowledged, Effect


def start_of(plant: QuietPlant) -> tuple[list[Record], Record]:
    """A start that a reading asked for, and the partition in which it stands."""
    return next(
        (records, record)
        for records in plant.of(plant.topics.commands.name)
        for record in records
        if b"start_process" in record.value and b"redpanda" in record.value
    )


def carried_out_by_nobody(plant: QuietPlant) -> None:
    """The command with the last events has none."""
    cause = plant.events()[-1][1].cause
    for _, event in plant.events():
        if event.cause == cause:
            plant.rewrite(lambda other, event=event: other == event, gone)


def copy_lost(plant: QuietPlant) -> None:
    for records in plant.of(plant.topics.commands.name):
        copies = [record for record in records if any(name == "weir_from" for name, _ in record.headers)]
        if copies:
            records.remove(copies[0])
            return
    raise AssertionError("nothing was forwarded")


def nowhere(plant: QuietPlant) -> None:
    last = plant.sent.commands[-1]
    plant.sent.commands.append(Acknowledged(last.partition, last.offset + 1000, "lost"))


def uninvited(plant: QuietPlant) -> None:
    """Somebody's id stands there that nobody has sent."""
    gone = plant.sent.commands.pop()
    assert gone.command_id is not None


def sent_twice(plant: QuietPlant) -> None:
    """Kafka has a command twice; each was carried out, the second refused."""
    name, (partition, offset, _) = plant.topics.commands.name, plant.sent.commands[-1]
    record = plant.records[TopicPartition(name, partition)][offset]
    plant.append(name, partition, record.key, record.value)
    plant.work()


def letter(plant: QuietPlant, offset: int, value: bytes) -> None:
    letter = DeadLetter(plant.topics.commands.name, 0, offset, b"k", value, "because", "processor")
    plant.append(plant.topics.dead_letters.name, 0, *letter.record(plant.now_ms))


def letter_of_a_good_reading(plant: QuietPlant) -> None:
    letter = DeadLetter(TELEMETRY, 0, 0, b"k", b"{}", "because", "router")
    plant.append(plant.topics.dead_letters.name, 0, *letter.record(plant.now_ms))


def letter_without_a_source(plant: QuietPlant) -> None:
    plant.append(plant.topics.dead_letters.name, 0, b"k", b"{}", [("weir_role", b"router")])


def letter_with_another_value(plant: QuietPlant) -> None:
    plant.of(plant.topics.dead_letters.name)[0][0].value = b"something else"


def never_routed(plant: QuietPlant) -> None:
    records, start = start_of(plant)
    records.remove(start)


def routed_twice(plant: QuietPlant) -> None:
    records, start = start_of(plant)
    records.append(replace(start, offset=records[-1].offset + 1))


def cold_reading_routed(plant: QuietPlant) -> None:
    _, start = start_of(plant)
    command = orjson.loads(start.value)
    command["trigger"]["offset"] = 0
    start.value = orjson.dumps(command)


def performed_unasked(plant: QuietPlant) -> None:
    assert plant.sent.ledger is not None
    plant.sent.ledger.effects.append(Effect("nobody's:cool:1"))


def not_performed(plant: QuietPlant) -> None:
    assert plant.sent.ledger is not None
    plant.sent.ledger.effects.pop()


def performed_otherwise(plant: QuietPlant) -> None:
    assert plant.sent.ledger is not None
    plant.sent.ledger.effects.append(plant.sent.ledger.effects[0]._replace(content=b"another"))


def given_up(plant: QuietPlant) -> None:
    """Nobody has answered, and the deadline has come."""
    answers = [
        (records, record)
        for records in plant.of(plant.topics.events.name)
        for record in records
        if b'"activity_completed"' in record.value and b'"cool"' in record.value
    ]
    event = decode_event(answers[0][1].value)
    failed = with_data(event, error_type="timeout", error="The action did not answer in time")
    answers[0][1].value = encode_event(
        msgspec.structs.replace(failed, type="activity_failed", cause=f"{event.cause[0]}:timer")
    )


def one_key_for_two(plant: QuietPlant) -> None:
    first = next(event for _, event in plant.events() if event.type == "action_requested")
    plant.rewrite(
        lambda event: event.type == "action_requested" and event.subject != first.subject,
        with_(idempotency_key=first.data["idempotency_key"]),
    )


def _starts_of_the_clock(plant: QuietPlant) -> list[Record]:
    """The partition in which they stand."""
    found = plant.of(plant.topics.commands.name)
    return next(records for records in found if any(b'"nominal"' in record.value for record in records))


def clock_start_lost(plant: QuietPlant) -> None:
    records = _starts_of_the_clock(plant)
    del records[next(at for at, record in enumerate(records) if b'"nominal"' in record.value)]


def clock_start_twice(plant: QuietPlant) -> None:
    records = _starts_of_the_clock(plant)
    start = next(record for record in records if b'"nominal"' in record.value)
    records.append(replace(start, offset=records[-1].offset + 1))


def clock_start_of_nobody(plant: QuietPlant) -> None:
    plant.rewrite(lambda event: event.type == "schedule_fired", with_(instance_id="another"))


def fired_twice(plant: QuietPlant) -> None:
    fired = [event for _, event in plant.events() if event.type == "schedule_fired"]
    nominal = fired[1].data["nominal"]
    plant.rewrite(lambda event: event.type == "schedule_fired", with_(nominal=nominal))


PLANTED: dict[str, dict[str, Damage]] = {
    "command": {
        "no outcome": carried_out_by_nobody,
        "no rejection": remove("rejections"),
        "two rejections": twice("rejections"),
        "the copy of a forwarded command is lost": copy_lost,
        "a command that Kafka has lost": nowhere,
        "a command that nobody sent": uninvited,
        "a command that is there twice": sent_twice,
        "another message than was sent": change("signal_buffered", with_(payload={"other": 1})),
        "a dead letter of a good command": lambda plant: letter(plant, plant.sent.commands[0].offset, b"x"),
    },
    "letter": {
        "no letter": remove("dead_letters"),
        "two letters": twice("dead_letters"),
        "a letter of what was no poison": letter_of_a_good_reading,
        "a letter that does not say of what": letter_without_a_source,
        "a letter with another value": letter_with_another_value,
    },
    "reading": {
        "a reading is not routed": never_routed,
        "a reading is routed twice": routed_twice,
        "a cold reading is routed": cold_reading_routed,
    },
    "effect": {
        "performed without a request": performed_unasked,
        "completed and not performed": not_performed,
        "another content at a second time": performed_otherwise,
        "one key for two requests": one_key_for_two,
        "a deadline came although somebody was there": given_up,
    },
    "clock": {
        "a start that was fired is lost": clock_start_lost,
        "a start that was fired is there twice": clock_start_twice,
        "a start that nobody has fired": clock_start_of_nobody,
        "a moment fired twice": fired_twice,
    },
}
"""By check, what to plant for it."""
