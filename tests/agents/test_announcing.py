"""What is announced of events, to whom, and how often it is tried."""

from typing import Any

import pytest

from streams.announcing import MAX_AGE_MS, PAUSES_S, STATION, Announcing, announced
from streams.codec import BadRecordError, encode_event
from streams.core.durations import instant_ms
from streams.performing import Answer, Requested
from streams.settings import Settings
from tests.core.plant import Plant
from tests.core.test_user_tasks import Desk

FAILING = """
id: pump
version: 3
trigger: {type: api}
variables: [{name: n}]
activities:
  - {id: see, type: service, action: log, message: "${n.missing}"}
"""
ASK = """
id: ask
version: 1
trigger: {type: api}
activities:
  - id: visit
    type: user_task
    title: Repair 12
    description: It is cold.
    candidates: {users: [anna, ben], groups: [night]}
"""


def announcing(failures: str = "", tasks: str = "") -> Announcing:
    return Announcing(Settings(_env_file=None, notify_failures=failures, notify_tasks=tasks))


def of(plant: Plant, kind: str, to: Announcing) -> list[Requested]:
    [event] = [event for event in plant.log if event.type == kind]
    assert ("ce_type", kind.encode()) in to.headers
    return to.requests(encode_event(event))


def test_a_failure_is_told_to_each_channel_and_becomes_an_alert() -> None:
    plant = Plant(FAILING)
    instance = plant.start("pump")
    mail, alert = of(plant, "failed", announcing(" operators, station ,"))
    assert (mail.action, mail.config["channel"], mail.config["title"]) == ("notify", "operators", "pump failed")
    assert mail.config["message"].startswith(f"Instance {instance} of pump:3 failed at see: ")
    assert (alert.action, alert.config["alert_key"], alert.config["severity"]) == (
        "create_alert", "process:pump", "error",
    )  # fmt: skip
    assert alert.config["data"]["instance_id"] == instance
    assert mail.idempotency_key != alert.idempotency_key
    assert mail.not_after_ms == instant_ms(plant.log[-1].time) + MAX_AGE_MS


def test_a_task_is_told_to_its_people() -> None:
    plant = Desk(ASK).plant
    told, anna, ben, night = of(plant, "task_created", announcing(tasks=f"floor,{STATION}"))
    assert (told.action, told.config["title"]) == ("notify", "Task: Repair 12")
    assert told.config["message"].startswith("For anna, ben, group night: It is cold.\nTask ")
    assert told.config["people"] == ["anna", "ben"]
    assert [one.action for one in (anna, ben, night)] == ["send_notification"] * 3
    assert [one.config.get("user_id") or one.config["group_id"] for one in (anna, ben, night)] == [
        "anna",
        "ben",
        "night",
    ]
    assert len({one.idempotency_key for one in (told, anna, ben, night)}) == 4


def test_without_settings_nothing_is_read() -> None:
    assert announcing().headers == frozenset()
    assert {kind for _, kind in announcing(tasks="floor").headers} == {
        b"task_created", b"task_assigned", b"task_delegated", b"task_escalated",
    }  # fmt: skip


def test_what_is_no_event_is_a_dead_letter() -> None:
    with pytest.raises(BadRecordError, match="Not an event"):
        announcing("floor").requests(b"{")


@pytest.mark.parametrize(
    ("outcomes", "asked", "found"),
    [
        (["completed"], 1, "completed"),
        (["smtp_busy", "completed"], 2, "completed"),
        (["invalid_config"], 1, "invalid_config"),
        (["smtp_busy"] * 9, len(PAUSES_S) + 1, "smtp_busy"),
    ],
)
async def test_it_is_tried_again_where_that_may_help(outcomes: list[str], asked: int, found: str) -> None:
    [request] = of((plant := Plant(FAILING), plant.start("pump"))[0], "failed", announcing("operators"))
    answers, pauses = iter(outcomes), list[float]()

    async def answer(one: Requested) -> Answer:
        assert one is request
        return Answer(next(answers), b"")

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def is_worth_another(kind: str) -> bool:
        return kind == "smtp_busy"

    assert await announced([request], answer, pause, is_worth_another) == found
    assert pauses == list(PAUSES_S[: asked - 1])


async def test_each_channel_is_tried_whatever_became_of_the_others() -> None:
    plant = Plant(FAILING)
    plant.start("pump")
    requests = of(plant, "failed", announcing("a,b,c"))
    told: list[Any] = []

    async def answer(one: Requested) -> Answer:
        told.append(one.config["channel"])
        return Answer("invalid_config" if one.config["channel"] == "a" else "completed", b"")

    async def pause(_: float) -> None:
        raise AssertionError

    assert await announced(requests, answer, pause, lambda _: False) == "invalid_config"
    assert told == ["a", "b", "c"]
