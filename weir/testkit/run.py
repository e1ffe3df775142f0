"""Runs a test on a plant in memory, and tells what is not as it expects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from streams.core.commands import TaskCommand
from streams.core.document import Steps
from streams.core.events import Event
from streams.core.expressions import MISSING
from streams.topics import Topics
from weir.testkit.case import Case, Done, Expected, Input
from weir.testkit.compare import listed, look, look_at_effects
from weir.testkit.observed import Observed, observe
from weir.testkit.plant import VirtualPlant, answers
from weir.testkit.read import Loaded
from weir.testkit.steps import BY_INSTANCE, COMMANDS, Step


@dataclass(slots=True)
class Outcome:
    """What became of a test: ``failures`` begin with their place; ``events`` are for the coverage."""

    name: str
    failures: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def run(loaded: Loaded, number: int, topics: Topics, *, confined: bool = True) -> Outcome:
    """Run the test with that number of a file without problems.  ``confined``: scripts need a sandbox."""
    return _Run(loaded, number, topics, confined=confined).run()


class _Run:
    def __init__(self, loaded: Loaded, number: int, topics: Topics, *, confined: bool) -> None:
        self._loaded, self._number = loaded, number
        self._case: Case = loaded.cases[number]
        stubs = {
            name: answers([one.model_dump(exclude_none=True) for one in given])
            for name, given in self._case.stubs.items()
        }
        self._plant = VirtualPlant(topics, self._case.start, stubs, confined=confined)
        self._outcome = Outcome(self._case.name)

    def run(self) -> Outcome:
        plant, case = self._plant, self._case
        try:
            for definition in self._loaded.definitions:
                plant.deploy(definition)
            for at, _, act in sorted(self._agenda(), key=lambda one: one[:2]):
                plant.pass_until(case.start + at)
                act()
            for at, done in enumerate(case.effects):
                self._look_at_effects(done, ("effects", at))
        except RuntimeError as error:  # the processes keep themselves busy
            self._fail((), str(error))
        for reason in plant.letters:
            self._fail((), f"Expected records that can be used, but got a dead letter: {reason}")
        self._outcome.events = plant.events
        return self._outcome

    def _agenda(self) -> list[tuple[int, int, Callable[[], None]]]:
        """What happens: milliseconds from the start, the order at one moment, and what to do."""
        case = self._case
        found: list[tuple[int, int, Callable[[], None]]] = [(case.end, 3, lambda: None)]
        for one in case.input:
            for n in range(one.length):
                at = one.at + n * case.interval
                if at <= case.end and (reading := reading_of(one, n)) is not None:
                    found.append((at, 0, partial(self._plant.read, one.topic, reading, one.key)))
        for n, step in enumerate(case.do):
            found.append((step.at, 1, partial(self._do, step, n)))
        for n, expected in enumerate(case.expect):
            at = case.end if expected.at is None else expected.at
            found.append((at, 2, partial(self._look, expected, ("expect", n))))
        return found

    # ---- commands

    def _do(self, step: Step, number: int) -> None:
        place: Steps = ("do", number, step.type)
        try:
            command = step.command({"id": f"do-{number}", **self._ids(step)})
        except LookupError as error:
            self._fail(place, str(error.args[0]))
            return
        self._plant.send(command)
        refusal = next((one for one in self._plant.rejections if one["command_id"] == f"do-{number}"), None)
        reason = None if refusal is None else refusal["reason"]
        if reason != step.refused:
            said = "it was taken" if refusal is None else f"it was refused: {reason}: {refusal['message']}"
            wanted = "to be taken" if step.refused is None else f"to be refused as {step.refused}"
            self._fail(place, f"Expected {step.type} {wanted}, but {said}")

    def _ids(self, step: Step) -> dict[str, Any]:
        return ids_of(step, self._loaded.definitions[0].id, self._plant.events, observe(self._plant))

    # ---- what is expected

    def _look(self, expected: Expected, place: Steps) -> None:
        self._note(place, look(expected, self._loaded.definitions[0].id, observe(self._plant)))

    def _look_at_effects(self, expected: Done, place: Steps) -> None:
        self._note(place, look_at_effects(expected, self._plant.effects, observe(self._plant)))

    def _note(self, place: Steps, failure: str | None) -> None:
        if failure is not None:
            self._fail(place, failure)

    def _fail(self, place: Steps, message: str) -> None:
        mark = self._loaded.document.locate(("tests", self._number, *place))
        self._outcome.failures.append(f"{self._loaded.file}:{mark.line + 1}:{mark.column + 1}: {message}")


def ids_of(step: Step, definition_id: str, events: Sequence[Event], seen: Sequence[Observed]) -> dict[str, Any]:
    """The ids that the command of a step needs, by the names that the test has for them.

    ``definition_id`` is where the test names none.  Raises ``LookupError`` with a message.
    """
    command, fields = COMMANDS[step.type], step.fields
    if issubclass(command, TaskCommand):
        return {"task_id": _task(fields.get("activity"), fields.get("key"), events, seen)}
    if command in BY_INSTANCE:
        return {"instance_id": _instance(fields.get("definition_id"), fields.get("key"), seen)}
    if step.type == "start_process" and "definition_id" not in fields:
        return {"definition_id": definition_id}
    return {}


def _task(activity: str | None, key: str | None, events: Sequence[Event], seen: Sequence[Observed]) -> str:
    wanted = {one.id for one in seen if key in {None, one.key}}
    for event in reversed(events):
        if event.type == "task_created" and activity in {None, event.activity_id} and event.subject in wanted:
            return f"{event.subject}:{event.data['execution']}"
    raise LookupError(f"Expected a task of {activity or 'some activity'}, but there is none.{listed(seen)}")


def _instance(process: str | None, key: str | None, seen: Sequence[Observed]) -> str:
    for one in reversed(seen):
        if process in {None, one.process} and key in {None, one.key}:
            return one.id
    raise LookupError(f"Expected an instance of {process or 'some process'}, but there is none.{listed(seen)}")


def reading_of(given: Input, number: int) -> dict[str, Any] | None:
    """The reading at the place ``number`` of the series; ``None`` where none of them has a value."""
    reading = msgspec.to_builtins({"tags": given.tags, "fields": given.fields})
    values = {path: series[number] for path, series in given.series.items() if number < len(series)}
    present = {path: value for path, value in values.items() if value is not MISSING}
    if given.series and not present:
        return None
    for path, value in present.items():
        *groups, name = path.split(".")
        inner = reading
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[name] = value
    return reading  # type: ignore[no-any-return]
