"""What holds of a plant after every command: checked by folding only what is new.

A command is decided as the processor does: from its bytes, and only where it belongs here.
"""

from collections import Counter
from typing import Any

from streams.codec import decode_command, decode_event, encode_command, encode_event
from streams.core.activities.base import END_OF_BODY
from streams.core.apply import apply_event
from streams.core.commands import AlignWindow, AnyCommand, FireTimer
from streams.core.decide import home_of
from streams.core.events import EVENT_TYPES
from streams.core.places import branch_token, place_of, split_place
from streams.core.state import Finished, Instance, Key
from tests.core.plant import Folded, Plant, check_seq

MOST_FOLLOW_UPS = 30_000
"""Of one command, and theirs: a plant that has more to do goes on without an end.  A loop ends behind 10,000 activities
(``max_steps``), of which each may begin a sub-process that is refused."""
MINUTE = 60_000


class Living:
    """``do`` has a plant carry out a command and its follow-ups, and checks what must hold."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.again = Folded()
        self.seqs: dict[str, int] = {}
        self.over: set[str] = set()

    def do(self, command: AnyCommand) -> None:
        """Carry it out, and what it leads to."""
        self._one(command)
        for _ in range(MOST_FOLLOW_UPS):
            if not self.plant.follow_ups:
                break
            self._one(self.plant.follow_ups.popleft())
        else:
            raise AssertionError("the plant goes on and on")
        self.look()

    def look(self) -> None:
        """Check what holds where nothing is under way."""
        for state in self.plant.instances():
            self._check_instance(state)
        self._check_keys()

    def _one(self, command: AnyCommand) -> None:
        plant = self.plant
        if not isinstance(command, FireTimer | AlignWindow):
            command = decode_command(encode_command(command))
            try:
                home = home_of(command, 1)
            except ValueError:
                return  # refused before it is decided
            assert home in (None, 0)
        before = plant.table.records.copy()
        events = plant.do(command)
        assert plant.last is not None
        if plant.last.rejection is not None:
            assert not events
            assert plant.table.records == before, "what is refused changes nothing"
            assert plant.last.rejection.message
        for event in events:
            assert event.type in EVENT_TYPES
            assert event.subject not in self.over, f"{event.type} after the end of {event.subject}"
            check_seq(event, self.seqs)
            read = decode_event(encode_event(event))
            assert read == event
            apply_event(self.again, read)
        assert self.again.records == plant.table.records, "replay equals live"
        self.over |= {event.subject for event in events if isinstance(self.again.get(event.subject), Finished)}

    def _check_instance(self, state: Instance) -> None:
        """Of one that runs each token waits in one place, or owns branches that are open; its tasks are open."""
        process = self.plant.processes[state.definition_id, state.definition_version]
        assert state.steps <= process.definition.max_steps
        assert all(split_place(place)[0] in {*process.activities, END_OF_BODY} for place in state.waiting)
        if state.status != "running":
            return
        at = [split_place(place)[1] for place in state.waiting]
        owners = [scope.token for scope in state.scopes.values()]
        branches = [branch_token(name, number) for name, scope in state.scopes.items() for number in scope.open]
        assert Counter(at + owners) == Counter([None, *branches]), "each token waits, or has open branches"
        owned = {place_of(scope.activity_id, scope.token) for scope in state.scopes.values()}
        assert state.deadlines.keys() <= state.waiting.keys() | owned
        assert {wait.execution for wait in state.waiting.values() if wait.kind == "task"} == state.tasks.keys()
        assert not any(wait.kind == "continue" for wait in state.waiting.values()), "its follow-up has gone out"

    def _check_keys(self) -> None:
        """A key knows which of its instances run."""
        entities: list[Any] = [self.plant.table.get(name) for name in self.plant.table.records]
        by_key = {name for key in entities if isinstance(key, Key) for names in key.running.values() for name in names}
        queued = {name for key in entities if isinstance(key, Key) for names in key.queued.values() for name in names}
        unended = {
            one.id for one in self.plant.instances() if one.status in ("running", "suspended") and one.key is not None
        }
        assert by_key | queued == unended
        assert not by_key & queued
