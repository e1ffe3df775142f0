"""Patterns in a partition: which windows there are, and what a match brings along."""

import pytest

from streams.core.commands import ObservePattern, StartProcess, WatchKeys
from streams.core.durations import instant
from streams.core.ids import partition_for
from streams.core.process import UnusableError
from tests.core.plant import Plant

GONE = """
id: gone
version: 1
trigger: {type: pattern, topic: heatpump-telemetry, absent: 2m, keys: [a, b, c, d]%s}
variables: [%s]
activities: [{id: tell, type: service, action: log, message: It is silent}]
"""
DEVICE = "{name: device, source: tags.device_id}"


def _watched(plant: Plant, *keys: str) -> list[str]:
    """The windows, after the keys were given to the partition to watch."""
    plant.do(WatchKeys(definition_id="gone", definition_version=1, trigger=0, keys=list(keys)))
    return sorted(plant.windows)


def _seen(plant: Plant) -> ObservePattern:
    at = instant(plant.now)
    return ObservePattern(definition_id="gone", definition_version=1, trigger=0, key="a", at=at, truths=[True])


def test_a_partition_watches_the_keys_that_live_there() -> None:
    here = [key for key in "abcd" if partition_for(key, 2) == 0]
    assert 0 < len(here) < 4
    plant = Plant(GONE % ("", DEVICE), partition=0, partitions=2)
    assert _watched(plant, *"abcd") == [f"pattern:gone:0:{key}" for key in here]


@pytest.mark.parametrize(
    ("options", "variables", "known"),
    [
        ("", DEVICE, {"device": "a"}),
        (", key: tags.room", "{name: room, source: tags.room}", {"room": "a"}),
        (', key: "$.tags.rooms[0]"', "{name: rooms, source: tags.rooms}", {}),
        ("", "{name: t, source: fields.t, required: true}", {}),
    ],
    ids=["by device", "by a field", "by an element of a list", "without what a start needs"],
)
def test_of_a_key_that_was_never_seen_a_start_knows_what_its_name_tells(
    options: str, variables: str, known: dict[str, str]
) -> None:
    plant = Plant(GONE % (options, variables))
    _watched(plant, "a")
    plant.fire_next()
    [start] = plant.follow_ups
    assert isinstance(start, StartProcess)
    assert (start.key, start.variables) == ("a", known)


def test_nothing_is_seen_or_kept_for_a_definition_that_cannot_be_used() -> None:
    plant = Plant(GONE % ("", DEVICE))
    _watched(plant, "a")

    def unusable(definition_id: str, version: int | None) -> None:
        raise UnusableError(f"{definition_id} needs an extension")

    plant.around.process = unusable
    assert plant.refused(_seen(plant)) == ("unusable_definition", "gone needs an extension")
    assert plant.fire_next() == []
    assert (plant.windows, list(plant.follow_ups)) == ({}, [])
