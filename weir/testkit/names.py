"""Checks that the names in a test are there: topics, processes, activities.  A name that is not would match nothing."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from streams.core.actions import ACTIONS
from streams.core.definition import ProcessDefinition
from streams.core.document import Steps
from streams.core.report import Report
from streams.core.suggest import suggest
from weir.testkit.case import Case

Named = Iterator[tuple[Steps, str | None]]


def check_names(
    cases: Sequence[Case], definitions: Sequence[ProcessDefinition], topics: Collection[str], report: Report
) -> None:
    """A problem for each name that ``definitions`` and ``topics`` do not have."""
    processes = [one.id for one in definitions]
    activities = list(dict.fromkeys(one.id for each in definitions for one in each.all_activities()))
    for at, case in enumerate(cases):
        place: Steps = ("tests", at)
        _known("topic", topics, _topics(case), place, report)
        _known("process", processes, _processes(case), place, report)
        _known("activity", activities, _activities(case), place, report)
        _known("activity or action", [*activities, *ACTIONS], _stubs(case), place, report, key=True)
        if len(processes) > 1:
            for steps, name in _processes(case):
                if name is None and (steps[0] == "expect" or "start_process" in steps):
                    report.add((*place, *steps[:-1]), f"Expected {steps[-1]!r}: there are several definitions")


def _known(kind: str, known: Iterable[str], named: Named, place: Steps, report: Report, *, key: bool = False) -> None:
    names = list(known)
    for steps, name in named:
        if name is not None and name not in names:
            report.add((*place, *steps), f"Unknown {kind} {name!r}", suggest(name, names, kind), key=key)


def _topics(case: Case) -> Named:
    for at, one in enumerate(case.input):
        yield ("input", at, "topic"), one.topic


def _processes(case: Case) -> Named:
    for at, one in enumerate(case.expect):
        yield ("expect", at, "process"), one.process
    for at, step in enumerate(case.do):
        yield ("do", at, step.type, "definition_id"), step.fields.get("definition_id")


def _activities(case: Case) -> Named:
    for at, one in enumerate(case.expect):
        for number, activity in enumerate(one.path or ()):
            yield ("expect", at, "path", number), activity
    for at, done in enumerate(case.effects):
        yield ("effects", at, "activity"), done.activity
    for at, step in enumerate(case.do):
        yield ("do", at, step.type, "activity"), step.fields.get("activity")


def _stubs(case: Case) -> Named:
    for name in case.stubs:
        yield ("stubs", name), name
