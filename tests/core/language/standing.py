"""What holds of a plant that nobody interferes with, after every command: who waits does so for what may come."""

from typing import Any

from streams.core.mailbox import Mailbox
from streams.core.places import place_of, split_place
from streams.core.schedule import Schedule
from streams.core.state import BROKEN, UNENDED, Instance, Key
from tests.core.language.living import Living
from weir.verify.checks import STATE_CHECKS
from weir.verify.fold import Fold

TIMED = ("action", "retry", "timer")


class Standing(Living):
    """Needs a plant in which what the processor sends comes from the processor."""

    def look(self) -> None:
        super().look()
        kept = [self.plant.table.get(name) for name in self.plant.table.records]
        self._instances = {one.id: one for one in kept if isinstance(one, Instance)}
        self._subscriptions([one for one in kept if isinstance(one, Mailbox)])
        for one in self._instances.values():
            if one.status == "running":
                self._running(one)
            self._child(one)
        for entity in kept:
            if isinstance(entity, Schedule):
                self._slots(entity)
            elif isinstance(entity, Key):
                self._queues(entity)

    def verify(self) -> None:
        """``weir verify`` finds nothing."""
        fold = Fold(0)
        for event in self.plant.log:
            fold.take(event)
        assert fold.differences == []
        for name in self.plant.table.records:
            entity = self.plant.table.get(name)
            assert entity is not None
            assert [why for check in STATE_CHECKS.values() if (why := check(entity)) is not None] == []

    def _subscriptions(self, boxes: list[Mailbox]) -> None:
        """Of all that wait under a correlation key, but for those whose message is here, and of nobody else."""
        there = {(box.key, one.name, one.instance_id, one.execution, one.token) for box in boxes for one in box.waiting}
        wanted: set[Any] = set()
        for one in self._instances.values():
            came = [held.command for held in one.held if held.command["type"] == "deliver"]
            here = {(command["execution"], command["name"]) for command in came}
            over = {held.command["execution"] for held in one.held if held.command["type"] == "refuse_wait"}
            for place, wait in one.waiting.items():
                if wait.kind != "message" or wait.correlation is None or wait.execution in over:
                    continue
                if (wait.execution, wait.name) not in here:
                    wanted.add((wait.correlation, wait.name, one.id, wait.execution, split_place(place)[1]))
        assert there == wanted

    def _running(self, instance: Instance) -> None:
        assert instance.failure is None
        assert not instance.held
        for place, wait in instance.waiting.items():
            assert wait.due is not None or wait.kind not in TIMED
            if wait.kind == "subprocess":
                child = self._instances[wait.name or ""]
                assert child.status in UNENDED
                assert child.parent is not None
                assert (child.parent.instance_id, child.parent.activity_id) == (instance.id, split_place(place)[0])

    def _child(self, instance: Instance) -> None:
        """One that its parent waits for does not outlive that."""
        parent = instance.parent
        if parent is None or not parent.awaits or instance.status not in UNENDED:
            return
        wait = self._instances[parent.instance_id].waiting[place_of(parent.activity_id, parent.token)]
        assert wait.name == instance.id

    def _slots(self, schedule: Schedule) -> None:
        """Those who run have them, and none is free while somebody waits."""
        for name in schedule.running:
            assert self._instances[name].status in UNENDED
        assert not schedule.waiting or len(schedule.running) >= schedule.limit
        for name in schedule.waiting:
            assert self._instances[name].status in UNENDED | BROKEN

    def _queues(self, key: Key) -> None:
        """The first of a queue begins when nobody runs, unless it is suspended."""
        for definition_id, queue in key.queued.items():
            assert key.running.get(definition_id) or self._instances[queue[0]].status == "suspended"
