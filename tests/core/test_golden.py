"""Released appliers are never edited: histories of any age fold to the states that were checked by hand."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from streams.codec import decode_event
from streams.core import apply
from streams.core.activities import KINDS
from streams.core.apply import FoldError
from streams.core.commands import AnyCommand, Signal
from streams.core.decide import DECIDERS
from streams.core.events import Event, EventType
from tests.core.plant import Plant, fold
from tests.core.test_instances import APPROVAL

GOLDEN = Path(__file__).parent.parent / "golden"
HISTORIES = sorted(GOLDEN.glob("*.jsonl"))


@pytest.mark.parametrize("history", HISTORIES, ids=lambda path: path.stem)
def test_a_golden_history_folds_to_its_golden_states(history: Path) -> None:
    log = [decode_event(line) for line in history.read_bytes().splitlines()]
    folded = fold(log)
    states = {name: msgspec.to_builtins(folded.get(name), str_keys=True) for name in folded.records}
    assert states == msgspec.json.decode(history.with_suffix(".states.json").read_bytes())


def test_every_event_type_stands_in_a_golden_history() -> None:
    seen = {decode_event(line).type for history in HISTORIES for line in history.read_bytes().splitlines()}
    assert seen == set(get_args(EventType))


def test_every_kind_of_activity_stands_in_a_golden_history() -> None:
    events = [decode_event(line) for history in HISTORIES for line in history.read_bytes().splitlines()]
    entered = {event.data["activity_type"] for event in events if event.type == "activity_started"}
    assert any(event.type == "completed" and event.activity_id for event in events), "where it ended"
    assert entered == KINDS.keys() - {"start", "end"}, "those two have no event but the instance's own"


def test_every_event_type_has_an_applier() -> None:
    known = {
        apply.CREATES_INSTANCE,
        *apply.INSTANCE_APPLIERS,
        *apply.KEY_APPLIERS,
        *apply.DEFINITION_APPLIERS,
        *apply.SCHEDULE_APPLIERS,
        *apply.MAILBOX_APPLIERS,
    }
    assert known == set(get_args(EventType))


def test_every_command_has_a_decider() -> None:
    assert set(DECIDERS) == set(get_args(AnyCommand))


def _log() -> list[Event]:
    """A signal that waits with a key, two of them, and an instance of another key that waits."""
    plant = Plant(APPROVAL)
    for name in ("decided", "hurry"):
        plant.do(Signal(name=name, key="order-1"))
    plant.start("approval", "order-2", amount=5)
    return plant.log


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        (0, r"Expected seq 1 of key:order-1, but got 2 \(signal_buffered\)"),
        (2, "Expected a running instance .*, but got NoneType"),
        (3, r"Expected seq 2 of .*, but got 3"),
    ],
)
def test_a_log_with_a_gap_is_refused(left_out: int, message: str) -> None:
    log = _log()
    del log[left_out]
    with pytest.raises(FoldError, match=message):
        fold(log)


def test_an_instance_starts_once() -> None:
    started = next(event for event in _log() if event.type == "started")
    with pytest.raises(FoldError, match=r"Expected seq 2 of .*, but got 1 \(started\)"):
        fold([started, started])


def test_forgetting_what_is_not_known_is_nothing() -> None:
    """A damaged table may have known of what the log does not."""
    forgotten = msgspec.structs.replace(_log()[0], type="key_forgotten", data={})
    assert fold([forgotten]).records == {}
