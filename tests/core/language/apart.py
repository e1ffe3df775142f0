"""A plant whose keys, correlation keys and definitions live each in a partition of its own.

What one of them has another do comes there in the order in which it was sent, and anything else may come before.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from streams.core.commands import (
    AnyCommand,
    FireTimer,
    MailboxCommand,
    RequestSlot,
    ScheduleCommand,
    StartProcess,
    Subscribe,
)
from streams.core.decide.publish_message import DEFAULT_TTL_MS
from streams.core.decide.refused import follow_up_of
from streams.core.turn import Rejection
from tests.core.language.living import MOST_FOLLOW_UPS
from tests.core.language.standing import Standing
from tests.core.plant import START, Plant

FULL = Rejection("limit", "There is no room")


class Apart(Standing):
    """``carry_out`` leaves what follows under way, ``bring_one`` has one of it come, ``bring_all`` all, and checks.

    ``is_full()``: whether there is no room to note the next one that wants to wait.
    """

    def __init__(self, plant: Plant, is_full: Callable[[], bool]) -> None:
        super().__init__(plant)
        self._is_full = is_full
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
            self._send(here, self.plant.follow_ups.popleft())

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

    def look(self) -> None:
        super().look()
        self._messages()

    def _bring(self, way: tuple[str, str]) -> None:
        ahead = self._under_way[way]
        command = ahead.popleft()
        if not ahead:
            del self._under_way[way]
        refused = follow_up_of(command, FULL) if isinstance(command, Subscribe | RequestSlot) else None
        if refused is not None and self._is_full():
            self._send(way[1], refused)
        else:
            self.carry_out(command)

    def _send(self, here: str, command: AnyCommand) -> None:
        self._under_way.setdefault((here, self._home(command)), deque()).append(command)

    def _messages(self) -> None:
        """Each message that was taken in is somewhere, and in one place, unless its time was over."""
        log, kept = self.plant.log, Counter[int]()
        for event in log:
            if event.type == "signal_received":
                kept[event.data["payload"].get("number")] += 1
        for box in self.plant.mailboxes():
            kept.update(message.payload.get("number") for message in box.messages)
        for instance in self.plant.instances():
            deliveries = [held.command for held in instance.held if held.command["type"] == "deliver"]
            kept.update(command["payload"].get("number") for command in deliveries)
        del kept[None]
        assert not kept or max(kept.values()) == 1
        published = {
            event.data["payload"].get("number")
            for event in log
            if event.type in ("message_buffered", "message_correlated")
        }
        if self.plant.now < START + DEFAULT_TTL_MS:
            assert kept.keys() == published - {None}

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
