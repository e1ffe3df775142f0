"""The seven business processes, as they stand in ``definitions/``, on a plant in memory."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.core.commands import CompleteTask
from streams.core.durations import parse_instant_ms
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import load_topics
from weir.testkit.plant import Stub, VirtualPlant, answers

DEFINITIONS = Path(__file__).parents[2] / "definitions"
GROUPS = {"mia": ["managers"], "tom": ["technicians"], "sue": ["supervisors"]}
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class Site(VirtualPlant):
    """A plant with some of the seven, and words for what happens there."""

    def path(self, key: str | None = None) -> list[str]:
        """The activities that instances of the key have entered, in order."""
        of_key = {one.subject for one in self.events if one.type == "started" and one.data.get("key") == key}
        return [
            one.activity_id
            for one in self.events
            if one.type == "activity_started" and one.activity_id is not None and one.subject in of_key
        ]

    def statuses(self, definition: str) -> list[str]:
        """What has become of the instances of a definition, those that run last."""
        ends = {"completed", "failed", "cancelled", "timed_out"}
        ended = [one.type for one in self.events if one.type in ends and one.definition_id == definition]
        return ended + [one.status for one in self.instances() if one.definition_id == definition]

    def told(self) -> list[str]:
        """Messages of the history, of logs and notices."""
        logged = [one.message for one in self.events if one.type == "activity_completed" and one.message]
        return [*logged, *(one.config["message"] for one in self.effects if one.action == "notify")]

    def sent(self, activity: str) -> list[dict[str, Any]]:
        """What an activity has asked for, and was done."""
        return [one.config for one in self.effects if one.activity_id == activity and one.outcome == "completed"]

    def task(self, activity: str) -> str:
        """The id of the newest task of an activity."""
        created = [one for one in self.events if one.type == "task_created" and one.activity_id == activity]
        return f"{created[-1].subject}:{created[-1].data['execution']}"

    def answer(self, activity: str, user: str, outcome: str | None = None, **given: Any) -> None:
        """Somebody answers the newest task of an activity."""
        refused = len(self.rejections)
        groups = GROUPS.get(user, [])
        self.send(CompleteTask(task_id=self.task(activity), user=user, groups=groups, outcome=outcome, answers=given))
        assert [one["message"] for one in self.rejections[refused:]] == []


@pytest.fixture
def site() -> Callable[..., Site]:
    """Makes a plant with definitions by name; ``stubs`` are answers by activity."""

    def make(*names: str, begins: str = "2026-03-02T04:00:00Z", **stubs: list[Mapping[str, Any]]) -> Site:
        topics = load_topics(Settings(_env_file=None, partitions=4, app_id="scenario"))  # type: ignore[call-arg]
        by_activity: dict[str, Stub] = {activity: answers(given) for activity, given in stubs.items()}
        plant = Site(topics, parse_instant_ms(begins), by_activity)
        for name in names:
            path = DEFINITIONS / f"{name}.yaml"
            plant.deploy(parse_definition(path.read_text(), str(path)))
        return plant

    return make
