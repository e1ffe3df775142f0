"""The checks of what processes mean find each thing that goes wrong; nothing is wrong on a plant in memory."""

from collections.abc import Callable

import msgspec
import pytest

from streams.core.commands import PublishMessage
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.station.events import stable_id
from streams.topics import load_topics
from tests.chaos.checks import sagas, teams, visits
from tests.chaos.evidence import ENTRY, EXIT, FOLLOWED, Evidence, Stride
from tests.chaos.load.users import ASKED
from tests.chaos.load.walkers import ZONE
from tests.chaos.sent import Book
from tests.chaos.site import DEFINITIONS
from weir.testkit.plant import VirtualPlant
from weir.testkit.steps import Step

Spoil = Callable[[Evidence], None]


def evidence() -> Evidence:
    """Of two sagas and a team."""
    plant = VirtualPlant(load_topics(Settings(_env_file=None, app_id="chaos")), 1_767_225_600_000)  # type: ignore[call-arg]
    for text in DEFINITIONS.read_text().split("---\n")[1:]:
        plant.deploy(parse_definition(text))
    plant.start("saga", "s1", n=1)
    plant.start("saga", "s2", n=2)
    team = plant.start("team", "t1", n=3)
    answer = Step(0, "complete_task", {"user": "u1", "groups": ["crew"], "outcome": "yes"})
    for _ in range(2):
        plant.send(answer.command({"task_id": f"{team}:{ASKED}"}))
        plant.send(PublishMessage(name="parcel", correlation_key="parcel-3", payload={"from": "u1"}, message_id="p"))
    plant.pass_time(2_000)
    found = Evidence(Book())
    for event in plant.events:
        if event.definition_id in FOLLOWED and ":" not in event.subject:
            found.lives.setdefault(event.subject, []).append(event)
    for number, effect in enumerate(plant.effects):
        if effect.action == "notify":
            found.effects.append((f"{effect.instance_id}:{effect.activity_id}:{number}", effect.config["message"]))
    return found


def _problems(found: Evidence) -> list[str]:
    return [one.message for one in [*sagas.check(found), *teams.check(found)]]


def test_nothing_is_wrong_in_memory() -> None:
    found = evidence()
    assert {events[0].definition_id for events in found.lives.values()} == FOLLOWED
    assert _problems(found) == []
    found.effects += found.effects  # what comes twice, comes with its key
    assert _problems(found) == []


def _swap(found: Evidence) -> None:
    first, second = (
        n for n, (_, text) in enumerate(found.effects) if text in {"saga 2: no flight", "saga 2: no hotel"}
    )
    found.effects[first], found.effects[second] = found.effects[second], found.effects[first]


def _forget(text: str) -> Spoil:
    def spoil(found: Evidence) -> None:
        found.effects = [one for one in found.effects if one[1] != text]

    return spoil


def _again(text: str) -> Spoil:
    """Performed once more, as another."""

    def spoil(found: Evidence) -> None:
        [(key, _)] = [one for one in found.effects if one[1] == text]
        found.effects.append((f"{key}0", text))

    return spoil


def _twice(kind: str) -> Spoil:
    def spoil(found: Evidence) -> None:
        for events in found.lives.values():
            events[:] = [event for event in events for _ in range(2 if event.type == kind else 1)]

    return spoil


def _stays(definition: str) -> Spoil:
    def spoil(found: Evidence) -> None:
        for events in found.lives.values():
            if events[0].definition_id == definition:
                del events[-1]

    return spoil


def _another_child(found: Evidence) -> None:
    [(_, _, events)] = found.of("part")
    found.lives["another"] = [msgspec.structs.replace(event, subject="another") for event in events]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_swap, "expected to hear"),
        (_forget("saga 2: no hotel"), "expected to hear"),
        (_forget("saga 1: paid"), "expected to hear"),
        (_again("saga 2: no hotel"), "expected to hear"),
        (_again("saga 1: hotel"), "expected to hear"),
        (_stays("saga"), "expected it to complete"),
        (_twice("task_completed"), "expected task_completed once, but got it 2 times"),
        (_twice("signal_received"), "expected signal_received once"),
        (_stays("team"), "expected completed once, but got it 0 times"),
        (_stays("part"), "1 started, 0 completed"),
        (_another_child, "2 started, 2 completed"),
        (_forget("team 3: red"), "and last that it is over"),
        (_again("team 3: red"), "and last that it is over"),
        (_forget("team 3: over"), "and last that it is over"),
    ],
)
def test_what_is_wrong_is_found(spoil: Spoil, words: str) -> None:
    found = evidence()
    spoil(found)
    assert any(words in problem for problem in _problems(found)), _problems(found)


def _walked() -> Evidence:
    """One walker comes, stays, is told of late, and goes; another was never there."""
    found = Evidence(Book())
    found.strides = [
        Stride("w1", False, 1, "positions/0/0"),
        Stride("w1", True, 2, "positions/0/1"),
        Stride("w2", False, 2, "positions/0/2"),
        Stride("w1", True, 4, "positions/0/3"),
        Stride("w1", False, 3, "positions/0/4"),
        Stride("w1", False, 5, "positions/0/5"),
    ]
    found.moves.update(found.moves_expected())
    return found


def test_a_walker_comes_and_goes_once() -> None:
    found = _walked()
    assert [*found.moves] == [stable_id(f"positions/0/{at}", name, "w1", ZONE) for at, name in ((1, ENTRY), (5, EXIT))]
    assert visits.check(found) == []
    first, *_ = found.moves
    found.moves[first] += 1
    assert [one.message for one in visits.check(found)] == ["expected 1 event of the zone, but 2 were told"]
    del found.moves[first]
    assert [one.message for one in visits.check(found)] == ["expected 1 event of the zone, but 0 were told"]
    found.strides.clear()
    assert [one.message for one in visits.check(found)] == ["expected 0 event of the zone, but 1 were told"]
