"""Ways to damage a plant at rest."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from streams.codec import encode_event
from streams.core.events import Event
from streams.transport.port import TopicPartition
from tests.verify.quiet_plant import QuietPlant, with_data

Damage = Callable[[QuietPlant], None]
HOUR = timedelta(hours=1)


def change(type_: str, change: Callable[[Event], Event | None], **data: Any) -> Damage:
    """Change the first event of a type that has ``data``."""

    def damage(plant: QuietPlant) -> None:
        plant.rewrite(lambda event: event.type == type_ and data.items() <= event.data.items(), change)

    return damage


def with_(**data: Any) -> Callable[[Event], Event]:
    return lambda event: with_data(event, **data)


def gone(_: Event) -> None:
    return None


def later(event: Event, name: str, by: timedelta) -> Event:
    return with_data(event, **{name: (msgspec.convert(event.data[name], type=type(event.time)) + by).isoformat()})


def add(plant: QuietPlant, subject: str, type_: str, data: dict[str, Any], activity: str | None = None) -> None:
    """Add an event behind the last of its subject, caused by a command behind all others."""
    (partition, last) = next((p, e) for p, e in reversed(plant.events()) if e.subject == subject)
    cause = f"{partition}:{len(plant.records[TopicPartition(plant.topics.commands.name, partition)]) + 99}"
    event = msgspec.structs.replace(
        last, type=type_, seq=last.seq + 1, cause=cause, activity_id=activity, data=data, message=None
    )
    plant.append(plant.topics.events.name, partition, subject.encode(), encode_event(event))


def running(plant: QuietPlant, waits_at: str) -> str:
    """An instance that waits at an activity."""
    ended = {event.subject for _, event in plant.events() if event.type == "completed"}
    last = {event.subject: event.activity_id for _, event in plant.events() if event.subject not in ended}
    return next(subject for subject, activity in last.items() if activity == waits_at)


def remove(topic: str, at: int = -1) -> Damage:
    def damage(plant: QuietPlant) -> None:
        del plant.of(getattr(plant.topics, topic).name)[0][at]

    return damage


def twice(topic: str, at: int = -1) -> Damage:
    def damage(plant: QuietPlant) -> None:
        records = plant.of(getattr(plant.topics, topic).name)[0]
        records.append(replace(records[at], offset=records[-1].offset + 1))

    return damage
