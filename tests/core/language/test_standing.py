"""Instances suspended, retried, cancelled and migrated at any moment: none waits for what never comes."""

from collections.abc import Callable
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from streams.core.commands import (
    ActivateDefinition,
    AlignWindow,
    AnyCommand,
    Cancel,
    CompleteActivity,
    Continue,
    DeactivateDefinition,
    Deliver,
    DeployDefinition,
    FailActivity,
    Migrate,
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
    Signal,
    StartProcess,
    Subscribe,
    Suspend,
    Unsubscribe,
    WatchKeys,
)
from tests.core.language.apart import Apart
from tests.core.language.definitions import definitions
from tests.core.language.dense import MESSAGES, dense
from tests.core.language.moves import KEYS, MOVES, OFTEN, Choosing
from tests.core.language.newer import newer
from tests.core.language.standing import Standing
from tests.core.language.test_language import CHILD, validated
from tests.core.plant import Plant

OURS = {
    *(ActivateDefinition, AlignWindow, Continue, DeactivateDefinition, Deliver, DeployDefinition, ObservePattern),
    *(RecordNotice, ReleaseStart, RequestSlot, ReturnMessage, ReturnSlot, SetSchedule, Subscribe, Unsubscribe),
    *(RefuseWait, WatchKeys),
}
"""What the processor sends itself, and what changes the definitions."""
MODES = ("single", "parallel", "queued", "restart")
MOST_MOVES = 25


def _command(at: Choosing, names: dict[str, str]) -> AnyCommand | None:
    operators = [Migrate, Migrate, Retry, Retry, Suspend, Resume, Resume, PublishMessage, PublishMessage]
    kind = at.one([*OFTEN, *OFTEN, *operators, *(one for one in MOVES if one not in OURS)])
    if kind is Migrate:
        return Migrate(instance_id=at.instance(), version=at.one([2, 2, 1]), activities=at.one([{}, names]))
    if kind not in (CompleteActivity, FailActivity):
        return MOVES[kind](at)
    waiting = at.wait("action")  # children answer for themselves
    if waiting is None:
        return None
    asked = {
        "instance_id": waiting[0].id,
        "activity_id": waiting[1],
        "token": waiting[2],
        "execution": waiting[3].execution,
        "attempt": waiting[3].attempt,
    }
    if kind is CompleteActivity:
        return CompleteActivity(**asked, output=at.payload())
    return FailActivity(**asked, error_type="mqtt", error="no", retryable=at.one([True, False]))


def _plant(data: st.DataObject, made: dict[str, Any]) -> tuple[Plant, dict[str, str]]:
    """One with two versions of a definition, and how activities of the first are called in the second."""
    made.pop("triggers", None)
    made["trigger"] = {"type": "api", "mode": data.draw(st.sampled_from(MODES))}
    made["max_steps"] = data.draw(st.sampled_from([20, 60]))
    made["variables"][0].pop("source", None)
    first = validated(made)
    assume(first is not None)
    changed, names = data.draw(newer(made))
    second = validated(changed)
    return Plant(CHILD, *filter(None, [first, second])), names


@given(st.data())
def test_nothing_waits_for_what_never_comes(data: st.DataObject) -> None:
    plant, names = _plant(data, data.draw(definitions()))
    standing = Standing(plant)
    standing.do(StartProcess(definition_id="made", key="pump-1", definition_version=1))
    for _ in range(data.draw(st.integers(1, MOST_MOVES))):
        standing.plant.now += data.draw(st.sampled_from([0, 1, 1000, 60_000]))
        command = _command(Choosing(data.draw, standing.plant), names)
        if command is not None and not (isinstance(command, Cancel) and command.by_parent):
            standing.do(command)
    standing.verify()


def _publish(at: Choosing) -> PublishMessage:
    payload = {"x": 1, "number": len(at.plant.log)}
    return PublishMessage(name=at.one(MESSAGES), correlation_key=at.one(["a", "a", "1"]), payload=payload)


def _go_on(at: Choosing) -> AnyCommand:
    stopped = [one.id for one in at.instances if one.status != "running"] or [at.instance()]
    return Resume(instance_id=at.one(stopped)) if at.draw(st.booleans()) else Retry(instance_id=at.one(stopped))


PRESSING: dict[type, Callable[[Choosing], AnyCommand]] = {
    PublishMessage: _publish,
    Signal: lambda at: Signal(instance_id=at.instance(), name=at.one(MESSAGES), payload={"x": 1}),
    Suspend: lambda at: Suspend(instance_id=at.instance()),
    Resume: _go_on,
    Cancel: lambda at: Cancel(instance_id=at.instance()),
    StartProcess: lambda at: StartProcess(definition_id="made", key=at.one(KEYS), definition_version=at.one([1, 2])),
}
"""What has most to do with others."""


def _pressing(at: Choosing, names: dict[str, str]) -> AnyCommand | None:
    kind = at.one([*PRESSING, PublishMessage, Resume, *OFTEN, Migrate])
    return PRESSING[kind](at) if kind in PRESSING else _command(at, names)


@given(st.data())
def test_nor_does_it_in_whatever_order_partitions_hear_of_each_other(data: st.DataObject) -> None:
    plant, names = _plant(data, data.draw(dense()))
    apart = Apart(plant, lambda: data.draw(st.integers(0, 9)) == 0)
    apart.carry_out(StartProcess(definition_id="made", key="pump-1", definition_version=1))
    for _ in range(data.draw(st.integers(5, MOST_MOVES))):
        plant.now += data.draw(st.sampled_from([0, 1, 1000, 60_000]))
        for _ in range(data.draw(st.integers(0, 4))):
            apart.bring_one(lambda ways: data.draw(st.sampled_from(ways)))
        command = _pressing(Choosing(data.draw, plant), names)
        if command is not None and not (isinstance(command, Cancel) and command.by_parent):
            apart.carry_out(command)
    apart.bring_all()
    apart.verify()
