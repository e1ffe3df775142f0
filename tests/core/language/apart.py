"""A plant whose keys, correlation keys and definitions live each in a partition of its own.

What one of them has another do comes there in the order in which it was sent, and anything else may come before.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from streams.core.commands import AnyCommand, FireTimer, MailboxCommand, ScheduleCommand, StartProcess
from tests.core.language.living import MOST_FOLLOW_UPS
from tests.core.language.standing import Standing
from tests.core.plant import Plant


class Apart(Standing):
    """``carry_out`` leaves what follows under way, ``bring_one`` has one of it come, ``bring_all`` all, and checks."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(plant)
        self._homes: dict[str, str] = {}
        """Of instances."""
        self._under_way: dict[tuple[str, str], deque[AnyCommand]] = {}

    def carry_out(self, command: AnyCommand) -> None:
        here = self._home(command)
        self._one(command)
        assert self.plant.last is not None
        for event in self.plant.last.events:
            if event.type == "started":
                self._homes[event.subject] = event.data["key"] or event.subject
        while self.plant.follow_ups:
            following = self.plant.follow_ups.popleft()
            self._under_way.setdefault((here, self._home(following)), deque()).append(following)

    def bring_one(self, choose: Callable[[list[tuple[str, str]]], tuple[str, str]]) -> None:
        if ways := sorted(self._under_way):
            self._bring(choose(ways))

    def bring_all(self) -> None:
        for _ in range(MOST_FOLLOW_UPS):
            if not self._under_way:
                break
            self._bring(next(iter(self._under_way)))
        else:
            raise AssertionError("the plant goes on and on")
        self.look()

    def _bring(self, way: tuple[str, str]) -> None:
        ahead = self._under_way[way]
        command = ahead.popleft()
        if not ahead:
            del self._under_way[way]
        self.carry_out(command)

    def _home(self, command: AnyCommand) -> str:
        about: Any = command
        if isinstance(command, MailboxCommand):
            return f"message:{about.correlation_key}"
        if isinstance(command, ScheduleCommand):
            return f"schedule:{about.definition_id}"
        if isinstance(command, StartProcess):
            home = command.key or command.instance_id or ""
            if command.instance_id is not None:
                self._homes[command.instance_id] = home
            return home
        name: str = getattr(command, "instance_id", None) or getattr(command, "task_id", "").partition(":")[0]
        if isinstance(command, FireTimer) and name.startswith("key:"):
            return name.removeprefix("key:")
        return self._homes.get(name, name) or str(getattr(command, "key", None))
