"""One outcome a command: what counts as one, and what is wrong."""

from collections.abc import Sequence

import pytest

from streams.core.durations import instant
from streams.core.events import Event
from weir.verify.checks import commands
from weir.verify.gathered import Gathered, Outcome, Standing
from weir.verify.report import Difference
from weir.verify.sent import Acknowledged, Place, Sent

COMMAND = Acknowledged(1, 7, "c7")


def event(type_: str, seq: int = 1, subject: str = "one", **data: object) -> Event:
    message = {"name": "go", "payload": {}} if type_.startswith("signal_") else {}
    return Event(1, type_, subject, seq, instant(0), "p", 1, "1:7", data=message | data)


def outcome(*events: Event, rejections: int = 0, dead_letters: int = 0) -> Outcome:
    made = Outcome(rejections=rejections, dead_letters=dead_letters)
    for one in events:
        made.take(one)
    return made


def judge(outcomes: dict[Place, Outcome], copies: Sequence[Place] = (), sent: Sent | None = None) -> list[Difference]:
    """The command at its place, and ``copies`` of it, with what became of each."""
    gathered = Gathered("process-commands")
    gathered.commands[1, 7] = Standing("signal", "c7")
    for place in copies:
        gathered.commands[place] = Standing("signal", "c7", copy_of=(1, 7))
        gathered.copies[1, 7].append(place)
    gathered.outcomes.update(outcomes)
    return list(commands.check(gathered, Sent([COMMAND]) if sent is None else sent))


CONDEMNED = event("failed", 5, error_type="limit", error="too large")
RIGHT = {
    "events": outcome(event("started"), event("completed", 2)),
    "a rejection": outcome(rejections=1),
    "a dead letter": outcome(dead_letters=1),
    "a rejection that condemns": outcome(CONDEMNED, rejections=1),
    "a dead letter that condemns": outcome(CONDEMNED, dead_letters=1),
    "an action's failure": outcome(event("activity_failed"), event("failed", 2, error_type="mqtt")),
    "held signals at a start": outcome(event("started"), event("signal_received", 2), event("signal_received", 3)),
    "a signal for two": outcome(event("signal_received"), event("signal_received", 4, "two")),
}
WRONG = {
    "nothing": (outcome(), "0 with events, 0 rejections, 0 dead letters"),
    "two rejections": (outcome(rejections=2), "2 rejections"),
    "accepted and refused": (outcome(event("started"), rejections=1), "1 with events, 1 rejections"),
    "refused and buried": (outcome(rejections=1, dead_letters=1), "1 rejections, 1 dead letters"),
    "a signal that is received and waits": (
        outcome(event("signal_received"), event("signal_buffered", 1, "key:a")),
        "received and waits",
    ),
    "a signal twice": (
        outcome(event("signal_received"), event("signal_received", 2)),
        "signal_received of one more than once",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_one_outcome(name: str) -> None:
    assert judge({(1, 7): RIGHT[name]}) == []


@pytest.mark.parametrize("name", WRONG)
def test_not_one_outcome(name: str) -> None:
    made, words = WRONG[name]
    (found,) = judge({(1, 7): made})
    assert (found.kind, found.subject) == ("command", "c7")
    assert words in found.message


def test_a_forwarded_command_has_its_outcome_at_home() -> None:
    at_home = {(2, 3): RIGHT["events"]}
    assert judge(at_home, [(2, 3)]) == []
    (lost,) = judge(at_home)
    assert "0 with events" in lost.message
    (twice,) = judge({**at_home, (2, 4): RIGHT["events"]}, [(2, 3), (2, 4)])
    assert "2 with events" in twice.message


def test_a_follow_up_has_no_sender_and_stands_there_once() -> None:
    gathered = Gathered("process-commands")
    gathered.commands[0, 3] = Standing("signal", "0:2/1", follow_up=True)
    gathered.outcomes[0, 3] = outcome(rejections=1)
    assert list(commands.check(gathered, Sent(alone=True))) == []
    gathered.commands[0, 4] = Standing("signal", "0:2/1", follow_up=True)
    gathered.outcomes[0, 4] = outcome(rejections=1)
    [difference] = commands.check(gathered, Sent(alone=True))
    assert "expected the follow-up once, but the log has it at 0:3, 0:4" in difference.message
