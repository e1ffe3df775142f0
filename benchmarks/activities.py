"""What each kind of activity costs: CPU microseconds to decide, apply and encode, without Kafka.

An instance goes through ``REPEATED`` activities of the kind, one behind the other, to the bytes that a transaction
holds; what the same process costs without them is taken off.  What an activity waits for (an answer, a timer, a signal,
a child) comes as a command of its own, which writes the instance once more: that counts, and ``commands`` tells how
many there are; ``load_us`` is what reading the state again takes, beside the ``us``.  A child's own work, and what
bodies hold, does not count.  ``start`` is a whole instance: its command, its key, its end.

What waits has two turns, in two commands: ``enter_us`` is the part of ``us`` that entering takes, with its events,
``answer_us`` the rest, with the command itself and the instance's record.  ``of_reference`` tells how many times a
fixed piece of work (``reference``) the ``us`` are, on the machine at hand: that compares with other days.
"""

import gc
import time
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.lengths import per_activity_us
from benchmarks.reference import reference_us
from benchmarks.workload import Emit, Options
from streams.codec import decode_entity, encode_event
from streams.core.activities import (
    KINDS,
    MessageNode,
    Node,
    ServiceNode,
    SubprocessNode,
    TimerNode,
    UserTaskNode,
)
from streams.core.commands import AnyCommand, CompleteActivity, CompleteTask, Signal, StartProcess
from streams.core.decide import decide
from streams.core.definition import ProcessDefinition
from streams.core.due import WAIT, due_timers
from streams.core.flow.flow import Flow
from streams.core.parse import parse_definition
from streams.core.places import split_place
from streams.core.process import Process, compile_process
from streams.core.state import Entity, Instance
from streams.core.step import ENTER
from streams.core.turn import Overlay, Surroundings, Turn
from streams.settings import Settings
from streams.staging import stage_turn
from streams.topics import Topics, load_topics

REPEATED = 10
RUNS = 400
REFERENCE_EVERY = 20
START_MS = 1_386_656_700_000
LOG = "action: log, config: {message: hello}"
HEAD = "version: 1\ntrigger: {type: api}\nvariables: [{name: t, default: 31.5}, {name: list, default: [1, 2]}]\n"
CHILD = f"id: child\n{HEAD}activities: [{{id: end, type: end}}]\n"


@dataclass(frozen=True, slots=True)
class Case:
    """``there`` is one repetition, and ``without`` what stays of it when what is measured is taken away.

    Each ``#`` becomes the repetition's number.  A case that is ``whole`` is a process of its own: nothing is taken off.
    """

    there: str
    without: str = ""
    repeated: int = REPEATED
    whole: bool = False


AFTER = f"- {{id: b#, type: service, {LOG}}}\n"
TWO_LOGS = f"- {{id: one#, type: service, {LOG}}}\n- {{id: two#, type: service, {LOG}}}\n"
UNDONE = f"- {{id: done#, type: service, {LOG}, compensation: [{{id: undo#, type: service, {LOG}}}]}}\n"
CASES: dict[str, Case] = {
    "start": Case("- {id: start, type: start}\n", repeated=1, whole=True),
    "end": Case("- {id: start, type: start}\n- {id: end, type: end}\n", "- {id: start, type: start}\n", repeated=1),
    "decision": Case("- {id: a#, type: decision, condition: t > 25, true_path: b#, false_path: b#}\n" + AFTER, AFTER),
    "service": Case(
        '- {id: a#, type: service, action: mqtt_publish, config: {topic: "plant/x", payload: {t: "${t}"}}}\n'
    ),
    "timer": Case("- {id: a#, type: timer, duration: 1m}\n"),
    "message": Case("- {id: a#, type: message, name: go}\n"),
    "parallel": Case(
        f"- {{id: a#, type: parallel, branches: {{x: [{{id: x#, type: service, {LOG}}}], "
        f"y: [{{id: y#, type: service, {LOG}}}]}}}}\n",
        TWO_LOGS,
    ),
    "foreach": Case(
        f"- {{id: a#, type: foreach, items: list, activities: [{{id: x#, type: service, {LOG}}}]}}\n", TWO_LOGS
    ),
    "compensate": Case(UNDONE + "- {id: a#, type: compensate, activity: done#}\n", UNDONE),
    "rules": Case(
        "- {id: a#, type: rules, rules: [{when: {t: '> 30'}, then: {level: 3}}, {when: {t: '<= 30'}, then: {level: 1}}]"
        ", output: {level: level}}\n"
    ),
    "transform": Case("- {id: a#, type: transform, set: {sum: '${t + 1}'}}\n"),
    "user_task": Case("- {id: a#, type: user_task}\n"),
    "subprocess": Case("- {id: a#, type: subprocess, process: child}\n"),
}
assert CASES.keys() == KINDS.keys()
WAITING: dict[str, type[Node]] = {
    "service": ServiceNode,
    "timer": TimerNode,
    "message": MessageNode,
    "user_task": UserTaskNode,
    "subprocess": SubprocessNode,
}
"""The kinds that have two turns."""


class Runner:
    """Carries instances of a process through, and counts what that takes."""

    def __init__(self, measured: str | ProcessDefinition, topics: Topics) -> None:
        """``measured`` is a definition, or the activities of one."""
        if isinstance(measured, str):
            measured = parse_definition(f"id: measured\n{HEAD}activities:\n{measured}")
        processes = [compile_process(one) for one in (measured, parse_definition(CHILD))]
        self._processes: dict[str, Process] = {one.id: one for one in processes}
        self._topics = topics
        self._table: dict[str, bytes] = {}
        self._offset = self._loading = 0
        self._around = Surroundings(
            partition=0,
            partitions=1,
            commands_topic="process-commands",
            telemetry_topics=frozenset(),
            process=lambda name, _version: self._processes.get(name),
            latest=lambda _feed: None,
        )

    def run(self) -> tuple[int, int, int]:
        """One instance, from its start to its end: nanoseconds of CPU, those of reading the state, and the commands.

        Without its children's own.
        """
        self._table.clear()
        spent = loading = commands = 0
        ahead: deque[AnyCommand] = deque([StartProcess(definition_id="measured", definition_version=1, key="device-1")])
        root: str | None = None
        while ahead:
            command = ahead.popleft()
            self._loading, began = 0, time.thread_time_ns()
            turn = self._turn(command)
            took = time.thread_time_ns() - began
            root = root or turn.events[0].subject
            if not isinstance(command, StartProcess) or command.parent is None:
                spent, loading, commands = spent + took - self._loading, loading + self._loading, commands + 1
            ahead += turn.follow_ups
            state = self._load(root)
            if not ahead and isinstance(state, Instance):
                assert state.status == "running", state.failure
                ahead.append(_next(state))
        return spent, loading, commands

    def entering(self, node: type[Node]) -> int:
        """Nanoseconds of CPU in which one instance enters its activities of a kind, and what that says is encoded."""
        enter, spent = ENTER[node], 0

        def timed(flow: Flow, node: Any, token: str | None) -> str | None:
            nonlocal spent
            before, began = len(flow.turn.events), time.thread_time_ns()
            at = enter(flow, node, token)
            for event in flow.turn.events[before:]:
                encode_event(event)
            spent += time.thread_time_ns() - began
            return at

        ENTER[node] = timed
        try:
            self.run()
        finally:
            ENTER[node] = enter
        return spent

    def _turn(self, command: AnyCommand) -> Turn:
        self._offset += 1
        turn = Turn(self._around, Overlay(self._load), START_MS, self._offset)
        decide(turn, command)
        staged = stage_turn(turn, self._topics)
        assert turn.rejection is None, turn.rejection
        for key, value in staged.writes:
            if value is None:
                self._table.pop(key.decode(), None)
            else:
                self._table[key.decode()] = value
        return turn

    def _load(self, entity_id: str) -> Entity | None:
        began = time.thread_time_ns()
        raw = self._table.get(entity_id)
        entity = None if raw is None else decode_entity(raw)
        self._loading += time.thread_time_ns() - began
        return entity


def _next(state: Instance) -> AnyCommand:
    """What the instance waits for comes."""
    ((place, wait),) = state.waiting.items()
    if wait.kind == "timer":
        (timer,) = [one for one in due_timers(state) if one.purpose == WAIT]
        return timer.command()
    if wait.kind == "message":
        return Signal(name=wait.name or "", instance_id=state.id)
    if wait.kind == "task":
        return CompleteTask(task_id=f"{state.id}:{wait.execution}", user="anna")
    return CompleteActivity(
        instance_id=state.id,
        activity_id=split_place(place)[0],
        execution=wait.execution,
        attempt=wait.attempt,
        output={},
    )


def _cost(kind: str, case: Case, topics: Topics, runs: int) -> dict[str, float]:
    """Medians of the runs, which alternate with those of the process without."""
    numbers = range(1, case.repeated + 1)
    there = Runner("".join(case.there.replace("#", str(one)) for one in numbers), topics)
    bare = "".join(case.without.replace("#", str(one)) for one in numbers) or CASES["start"].there
    without = Runner(bare, topics)
    found, entering, references = [], [], []
    for number in range(runs + runs // 10 + 1):
        ran = there.run()
        less = (0, 0, 0) if case.whole else without.run()
        if number > runs // 10:  # warm by then
            found.append([(one - other) / case.repeated for one, other in zip(ran, less, strict=True)])
            if kind in WAITING:
                entering.append(there.entering(WAITING[kind]) / case.repeated)
            if number % REFERENCE_EVERY == 0:
                references.append(reference_us())
    spent, loading, commands = (median(column) for column in zip(*found, strict=True))
    us, reference = round(spent / 1000, 1), median(references or [reference_us()])
    turns = {}
    if entering:
        enter_us = round(median(entering) / 1000, 1)
        turns = {"enter_us": enter_us, "answer_us": round(us - enter_us, 1)}
    return {
        "us": us,
        **turns,
        "load_us": round(loading / 1000, 1) + 0.0,
        "commands": round(commands, 1),
        "reference_us": reference,
        "of_reference": round(us / reference, 2),
    }


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Microseconds by kind: a line each, and the summary."""
    topics = load_topics(Settings(_env_file=None, partitions=1))
    runs = options.instances or RUNS
    gc.collect()
    gc.disable()
    try:
        found: dict[str, float] = {}
        ratios: dict[str, float] = {}
        turns: dict[str, float] = {}
        for kind, case in CASES.items():
            options.step(f"{kind}: {runs} runs", None)
            cost = _cost(kind, case, topics, runs)
            emit({"workload": f"activities-{kind}", **cost})
            found[kind], ratios[kind] = cost["us"], cost["of_reference"]
            turns[kind] = max(cost.get("enter_us", 0.0), cost.get("answer_us", 0.0)) or cost["us"]
        if options.instances is None:
            options.step("long processes", None)
            for shape, lengths in per_activity_us(lambda one: Runner(one, topics).run).items():
                emit({"workload": f"activities-long-{shape}", "us_per_activity": lengths})
    finally:
        gc.enable()
    return {"workload": "activities", "us": found, "turn_us": turns, "of_reference": ratios}
