"""One test of a ``*.test.yaml``, played on the real plant beside others.

Its instances are those that its readings and commands have started, told by key or cause; those of a clock that have
started while it was on.  A stub stands for the world: on the real plant the world itself must be so.

| stub                            | here                                                      |
|---------------------------------|-----------------------------------------------------------|
| ``unavailable``, then an output | the network bars the activity's topic until so many failed |
| an output of ``database_query`` | the readings of the test have brought it into the database |
| any other                       | ``unplayable`` says why not                                |
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streams.core.document import Steps
from streams.core.events import Event
from tests.scenarios.stage import Outage, Place, Stage
from weir.testkit.case import Case
from weir.testkit.compare import look, look_at_effects
from weir.testkit.observed import Observed, observed
from weir.testkit.plant import Effect
from weir.testkit.read import Loaded
from weir.testkit.run import ids_of, reading_of
from weir.testkit.steps import Step

LONGEST_OUTAGE = 2
"""Failures of an action that the network causes: a worker connects again later and later, for up to 10 s."""
IN_DATABASE = {"check_device_status"}
READINGS, COMMANDS, LOOKS = range(3)
"""The order of what happens at one moment."""


def unplayable(case: Case) -> str | None:
    """Why a test cannot be played on the real plant."""
    for name, answers in case.stubs.items():
        kinds = [one.error for one in answers]
        if name in IN_DATABASE:
            continue
        if set(kinds) - {None, "unavailable"}:
            return f"{name}: no world makes a right message {kinds[0]}"
        if kinds[-1] is not None or len(kinds) - 1 > LONGEST_OUTAGE:
            return f"{name}: a network that stays away takes the worker minutes to try so often"
    return None


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens at a time (ms of plant time); ``order`` at the same one."""

    at_ms: int
    order: int
    what: Any
    place: Steps


@dataclass
class Play:
    """A test under way; ``failures`` begin with their place."""

    suite: Loaded
    number: int
    failures: list[str] = field(default_factory=list)
    causes: set[str] = field(default_factory=set)
    """Places of its commands."""
    ids: dict[str, None] = field(default_factory=dict)
    """Its instances."""

    def __post_init__(self) -> None:
        self.case = self.suite.cases[self.number]
        self.process = self.suite.definitions[0].id
        self.begins_ms, self.ends_ms = self.case.start, self.case.start + self.case.end
        tags = {str(value) for one in self.case.input for value in one.tags.values()}
        self.keys = tags | {step.fields["key"] for step in self.case.do if "key" in step.fields}
        self.of_clock = {one.id for one in self.suite.definitions if any(t.type == "timer" for t in one.triggers)}

    def agenda(self) -> Iterator[Moment]:
        """What happens, in no order."""
        case, begin = self.case, self.case.start
        for one in case.input:
            for n in range(one.length):
                at = one.at + n * case.interval
                if at <= case.end and (reading := reading_of(one, n)) is not None:
                    yield Moment(begin + at, READINGS, (one.topic, reading), ())
        for n, step in enumerate(case.do):
            yield Moment(begin + step.at, COMMANDS, step, ("do", n, step.type))
        for n, expected in enumerate(case.expect):
            at = case.end if expected.at is None else expected.at
            yield Moment(begin + at, LOOKS, expected, ("expect", n))
        for n, done in enumerate(case.effects):
            yield Moment(self.ends_ms, LOOKS, done, ("effects", n))

    def take(self, event: Event) -> None:
        """Note an instance that is ours."""
        if event.type != "started":
            return
        of_clock = event.definition_id in self.of_clock and self.begins_ms <= _ms(event) <= self.ends_ms
        if of_clock or event.data.get("key") in self.keys or event.cause in self.causes:
            self.ids[event.subject] = None

    def subjects(self) -> list[str]:
        """Entities whose timers the test waits for."""
        return [*self.ids, *(f"schedule:{one}" for one in self.of_clock)]

    def seen(self, stage: Stage) -> tuple[list[Event], list[Effect], list[Observed]]:
        """Events, actions and instances of ours."""
        events = [one for one in stage.events if one.subject in self.ids]
        effects = [one for one in stage.effects() if one.instance_id in self.ids]
        return events, effects, observed(events, effects)

    async def do(self, stage: Stage, step: Step, place: Steps) -> Place | None:
        """Send the command of a step."""
        events, _, seen = self.seen(stage)
        try:
            command = step.command(
                {"id": f"{self.suite.file.stem}-{self.number}-{place[1]}", **ids_of(step, self.process, events, seen)}
            )
        except LookupError as error:
            self.fail(place, str(error.args[0]))
            return None
        sent = await stage.send(command)
        self.causes.add(f"{sent[0]}:{sent[1]}")
        return sent

    def judge(self, stage: Stage, moment: Moment) -> None:
        """Look whether it is as expected."""
        _, effects, seen = self.seen(stage)
        if moment.place[0] == "expect":
            failure = look(moment.what, self.process, seen)
        else:
            failure = look_at_effects(moment.what, effects, seen)
        if failure is not None:
            self.fail(moment.place, failure)

    def judge_refusal(self, stage: Stage, step: Step, sent: Place, place: Steps) -> None:
        """Look whether a command was taken or refused, as expected."""
        refused = stage.refused.get(sent, {})
        if refused.get("reason") != step.refused:
            self.fail(place, f"Expected {step.type} to be refused as {step.refused}, but got {refused or 'no refusal'}")

    def outages(self) -> Iterator[Outage]:
        """What the network bars."""
        tags = {name: str(value) for one in self.case.input for name, value in one.tags.items()}
        for name, answers in self.case.stubs.items():
            if name not in IN_DATABASE:
                (activity,) = [one for one in self.suite.definitions[0].all_activities() if one.id == name]
                topic = activity.model_dump()["config"]["topic"]
                for tag, value in tags.items():
                    topic = topic.replace(f"${{{tag}}}", value)
                (key,) = self.keys
                yield Outage(key, name, topic.encode(), len(answers) - 1)

    def fail(self, place: Steps, message: str) -> None:
        """Note what is not as it must be."""
        mark = self.suite.document.locate(("tests", self.number, *place))
        self.failures.append(f"{self.suite.file.name}:{mark.line + 1}: {message}")


def _ms(event: Event) -> int:
    return round(event.time.timestamp() * 1000)
