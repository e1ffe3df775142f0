"""What may come for a plant: for each command one that fits it now, comes late, comes twice, or means nothing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from streams.core.commands import (
    ActivateDefinition,
    AlignWindow,
    AnyCommand,
    AssignTask,
    Cancel,
    ClaimTask,
    CompleteActivity,
    CompleteTask,
    Continue,
    DeactivateDefinition,
    DelegateTask,
    Deliver,
    DeployDefinition,
    FailActivity,
    FireTimer,
    Migrate,
    Observe,
    ObservePattern,
    PublishMessage,
    RecordNotice,
    RefuseWait,
    ReleaseStart,
    RequestSlot,
    Resume,
    Retry,
    ReturnMessage,
    ReturnSlot,
    SetSchedule,
    SetVariables,
    Signal,
    StartProcess,
    Subscribe,
    Suspend,
    UnclaimTask,
    Unsubscribe,
    UpdateTask,
    WatchKeys,
)
from streams.core.durations import instant
from streams.core.ids import instance_id
from streams.core.places import split_place
from streams.core.state import Instance, Wait
from tests.core.language.activities import GROUPS, MESSAGES, USERS
from tests.core.language.making import ANYTHING, NAMES, OBJECTS
from tests.core.language.options import ERRORS
from tests.core.language.triggers import TOPIC
from tests.core.plant import START, Plant

_T = TypeVar("_T")
KEYS = ("pump-1", "pump-2")
CORRELATIONS = ("a", "ka", "1")
DEFINITIONS = ("made", "made", "child", "nobody")
NOBODY = instance_id(START, 0, "nobody")


class Choosing:
    """A move in the making: what there is in the plant, and what is chosen of it."""

    def __init__(self, draw: Callable[[Any], Any], plant: Plant) -> None:
        self.draw = draw
        self.plant = plant
        self.instances = sorted(plant.instances(), key=lambda one: one.id)

    def one(self, choices: Sequence[_T]) -> _T:
        chosen: _T = self.draw(st.sampled_from(choices))
        return chosen

    def maybe(self, value: _T) -> _T | None:
        return value if self.draw(st.booleans()) else None

    def values(self) -> dict[str, Any]:
        """For variables, most of which are declared."""
        made: dict[str, Any] = self.draw(st.dictionaries(st.sampled_from([*NAMES, "xx"][:-1]), ANYTHING, max_size=2))
        return made

    def payload(self) -> dict[str, Any]:
        made: dict[str, Any] = self.draw(OBJECTS)
        return made

    def instance(self) -> str:
        """One that there is or has been, most often."""
        known = [one.id for one in self.instances] or [NOBODY]
        ended = [name for name in self.plant.table.records if ":" not in name]
        return self.one([*known, *known, *ended, NOBODY])

    def target(self) -> dict[str, Any]:
        """Of a command that goes to an instance, or to all of a key."""
        if self.draw(st.booleans()):
            return {"instance_id": self.instance()}
        return {"key": self.one(KEYS), "definition_id": self.maybe("made")}

    def wait(self, *kinds: str) -> tuple[Instance, str, str | None, Wait] | None:
        """Something that waits: (instance, activity, token, what for)."""
        found = [(one, *split_place(place), wait) for one in self.instances for place, wait in one.waiting.items()]
        found = [one for one in found if one[-1].kind in kinds]
        return self.one(found) if found else None

    def execution(self, waiting: tuple[Instance, str, str | None, Wait]) -> dict[str, Any]:
        """What an answer names, as it is or a little off."""
        instance, activity, token, wait = waiting
        off = self.one([0, 0, 0, 0, 1, -1])
        return {
            "instance_id": instance.id,
            "activity_id": activity,
            "token": token,
            "execution": wait.execution + off,
        }

    def task(self) -> dict[str, Any]:
        """A task, and who does something with it."""
        known = [f"{one.id}:{execution}" for one in self.instances for execution in one.tasks]
        known += [
            f"{event.subject}:{event.data['execution']}" for event in self.plant.log if event.type == "task_completed"
        ]
        groups = self.draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True))
        return {"task_id": self.one([*known, f"{NOBODY}:1"]), "user": self.one(USERS), "groups": groups}

    def definition(self) -> dict[str, Any]:
        return {"definition_id": self.one(DEFINITIONS)}


Move = AnyCommand | None


def start(at: Choosing) -> Move:
    given = {
        "key": at.maybe(at.one(KEYS)),
        "variables": at.values(),
        "definition_version": at.one([None, None, 1, 2, 9]),
    }
    trigger = at.one([{}, {"type": "api"}, {"type": "redpanda", "index": 0}])
    return StartProcess(**at.definition(), **given, trigger=trigger)


def signal(at: Choosing) -> Move:
    return Signal(**at.target(), name=at.one(MESSAGES), payload=at.payload())


def cancel(at: Choosing) -> Move:
    return Cancel(**at.target(), reason="enough", by_parent=at.one([False, False, True]))


def resume(at: Choosing) -> Move:
    return Resume(**at.target(), timers=at.one([None, "fire", "shift"]))


def migrate(at: Choosing) -> Move:
    activities = at.draw(st.dictionaries(st.sampled_from(["a0", "a1"]), st.sampled_from(["a0", "a2"]), max_size=1))
    return Migrate(instance_id=at.instance(), version=at.one([2, 1, 3]), activities=activities)


def publish(at: Choosing) -> Move:
    known = at.maybe(at.one(["m1", "m2"]))
    ttl = at.one([None, None, 0, 60_000])
    correlation = at.one(CORRELATIONS)
    return PublishMessage(
        name=at.one(MESSAGES), correlation_key=correlation, payload=at.payload(), message_id=known, ttl_ms=ttl
    )


def _subscription(at: Choosing) -> dict[str, Any] | None:
    waiting = at.wait("message")
    if waiting is None:
        return None
    key = waiting[-1].correlation or at.one(CORRELATIONS)
    return {"name": waiting[-1].name or "go", "correlation_key": key, **at.execution(waiting)}


def subscribe(at: Choosing) -> Move:
    asked = _subscription(at)
    return None if asked is None else Subscribe(**asked)


def unsubscribe(at: Choosing) -> Move:
    asked = _subscription(at)
    return None if asked is None else Unsubscribe(**asked)


def deliver(at: Choosing) -> Move:
    asked = _subscription(at)
    return None if asked is None else Deliver(**asked, payload=at.payload(), expires_ms=at.plant.now + 1000)


def return_message(at: Choosing) -> Move:
    expires = at.plant.now + at.one([-1, 60_000])
    key = at.one(CORRELATIONS)
    return ReturnMessage(name=at.one(MESSAGES), correlation_key=key, payload=at.payload(), expires_ms=expires)


def observe(at: Choosing) -> Move:
    key = at.one(KEYS)
    reading = {"tags": {"device_id": key}, "fields": {"x": at.draw(ANYTHING)}}
    return Observe(topic=TOPIC, key=key, reading=reading)


def _patterns(at: Choosing) -> list[tuple[int, int, int]]:
    """(version, place of the trigger, its conditions)."""
    made = [process for (name, _), process in at.plant.processes.items() if name == "made"]
    return [(one.version, pattern.index, len(pattern.tests)) for one in made for pattern in one.patterns]


def observe_pattern(at: Choosing) -> Move:
    version, index, tests = at.one(_patterns(at) or [(1, 0, 1)])
    truths = at.draw(st.lists(st.booleans(), min_size=tests, max_size=tests))
    when = instant(at.plant.now + at.one([0, 0, -30_000, -3_600_000]))
    asked = {"definition_id": "made", "definition_version": version, "trigger": index, "key": at.one(KEYS)}
    return ObservePattern(**asked, at=when, truths=truths, values=[1], variables=at.maybe({"x": 2}))


def watch(at: Choosing) -> Move:
    version, index, _ = at.one(_patterns(at) or [(1, 0, 1)])
    return WatchKeys(definition_id="made", definition_version=version, trigger=index, keys=list(KEYS))


def align(at: Choosing) -> Move:
    return AlignWindow(record=at.one(list(at.plant.windows))) if at.plant.windows else None


def deploy(at: Choosing) -> Move:
    process = at.one(list(at.plant.processes.values()))
    return DeployDefinition(definition=process.definition.model_dump(mode="json"), source=at.maybe("id: made"))


def complete(at: Choosing) -> Move:
    if (polls := _polls(at)) and at.draw(st.booleans()):
        return CompleteActivity(**at.one(polls), output={"rows": at.draw(st.lists(_ROWS, max_size=2)), "more": False})
    waiting = at.wait("action", "subprocess", "retry")
    if waiting is None:
        return None
    attempt = waiting[-1].attempt + at.one([0, 0, 0, 1])
    return CompleteActivity(**at.execution(waiting), attempt=attempt, output=at.payload())


_ROWS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"weir_mark_1": st.sampled_from(["1", "2", None]), "id": st.integers(0, 3), "x": ANYTHING},
    optional={"weir_mark_2": st.just("7")},
)


def _polls(at: Choosing) -> list[dict[str, Any]]:
    """Polls under way, and the next that nobody has asked for."""
    asked = [event for event in at.plant.log if event.type == "rows_requested"][-2:]
    return [
        {
            "instance_id": event.subject,
            "activity_id": event.activity_id,
            "execution": event.data["execution"],
            "attempt": event.data.get("attempt", 1),
        }
        for event in asked
    ]


def fail(at: Choosing) -> Move:
    failure = {"error_type": at.one(ERRORS[:3]), "error": "no", "retryable": at.one([True, False])}
    if (polls := _polls(at)) and at.draw(st.booleans()):
        return FailActivity(**at.one(polls), **failure)
    waiting = at.wait("action", "subprocess")
    return None if waiting is None else FailActivity(**at.execution(waiting), attempt=waiting[-1].attempt, **failure)


def fire(at: Choosing) -> Move:
    """The next that is due, and its moment comes; or one that was due before."""
    if not (due := at.plant.due()):
        return None
    moment, timer = at.one([due[0], due[0], due[-1]])
    at.plant.now = max(at.plant.now, moment)
    return timer


def assign(at: Choosing) -> Move:
    return AssignTask(**at.task(), assignee=at.maybe(at.one(USERS)))


def complete_task(at: Choosing) -> Move:
    answers = at.one([None, {}, {"n": 1}, {"n": "x"}])
    return CompleteTask(**at.task(), answers=answers, outcome=at.one([None, "approved", "rejected"]))


def update_task(at: Choosing) -> Move:
    return UpdateTask(**at.task(), priority=at.one([None, 7]), due=at.maybe(instant(at.plant.now + 3_600_000)))


def record_notice(at: Choosing) -> Move:
    asked = [(one.id, seq) for one in at.instances for seq in one.notices]
    instance, seq = at.one([*asked, (at.instance(), 1)])
    return RecordNotice(instance_id=instance, notice=seq, error_type=at.maybe("smtp"))


def release_start(at: Choosing) -> Move:
    return ReleaseStart(instance_id=at.instance(), behind=at.one(["key", "slots"]))


def refuse_wait(at: Choosing) -> Move:
    refused = {"error_type": "limit", "error": "full"}
    waiting = at.wait("message")
    if waiting is None or at.draw(st.booleans()):
        return RefuseWait(instance_id=at.instance(), **refused)
    return RefuseWait(**at.execution(waiting), **refused)


def request_slot(at: Choosing) -> Move:
    return RequestSlot(**at.definition(), instance_id=at.instance(), limit=at.one([1, 2]))


def set_schedule(at: Choosing) -> Move:
    return SetSchedule(**at.definition(), definition_version=at.one([1, 2, None]))


MOVES: dict[type, Callable[[Choosing], Move]] = {
    StartProcess: start,
    Signal: signal,
    Cancel: cancel,
    Suspend: lambda at: Suspend(**at.target()),
    Resume: resume,
    Retry: lambda at: Retry(instance_id=at.instance()),
    SetVariables: lambda at: SetVariables(instance_id=at.instance(), variables=at.values()),
    Migrate: migrate,
    PublishMessage: publish,
    Subscribe: subscribe,
    Unsubscribe: unsubscribe,
    Deliver: deliver,
    ReturnMessage: return_message,
    Observe: observe,
    ObservePattern: observe_pattern,
    WatchKeys: watch,
    AlignWindow: align,
    DeployDefinition: deploy,
    ActivateDefinition: lambda at: ActivateDefinition(**at.definition(), version=at.one([None, 1, 2])),
    DeactivateDefinition: lambda at: DeactivateDefinition(**at.definition(), version=at.one([None, 1])),
    CompleteActivity: complete,
    FailActivity: fail,
    SetSchedule: set_schedule,
    RequestSlot: request_slot,
    ReturnSlot: lambda at: ReturnSlot(**at.definition(), instance_id=at.instance()),
    ReleaseStart: release_start,
    RefuseWait: refuse_wait,
    Continue: lambda at: Continue(instance_id=at.instance()),
    FireTimer: fire,
    ClaimTask: lambda at: ClaimTask(**at.task()),
    UnclaimTask: lambda at: UnclaimTask(**at.task()),
    AssignTask: assign,
    DelegateTask: lambda at: DelegateTask(**at.task(), to=at.one(USERS)),
    CompleteTask: complete_task,
    UpdateTask: update_task,
    RecordNotice: record_notice,
}
OFTEN = (StartProcess, CompleteActivity, CompleteActivity, FireTimer, FireTimer, CompleteTask, FailActivity, Signal)
"""What moves a plant on comes more often than the rest."""


def move(draw: Callable[[Any], Any], plant: Plant) -> AnyCommand | None:
    """A command, ``None`` where the one that was chosen has nothing to be about."""
    chosen: type = draw(st.sampled_from([*OFTEN, *OFTEN, *MOVES]))
    return MOVES[chosen](Choosing(draw, plant))
