"""Which ports `weir up` uses, whose services it takes for its own, how many workers are asked for."""

from pathlib import Path

import pytest

from streams.settings import Settings
from weir.cli.up import _moved, _ports
from weir.stack.ports import Ports
from weir.stack.stack import Stack
from weir.workers import parse_workers


def test_a_port_of_ones_own() -> None:
    known = Ports(kafka=25001, kafka_controller=25002, postgres=25003, mqtt=25004)
    assert _ports(known, None, None, None) == known
    assert _ports(known, 26001, None, 26004) == Ports(26001, 26002, 25003, 26004)


@pytest.mark.parametrize("external", [False, True])
def test_embedded_services_move_and_a_users_own_stay(tmp_path: Path, external: bool) -> None:
    old, new = Ports(25001, 25002, 25003, 25004), Ports(26001, 26002, 26003, 26004)
    before, after = Stack(tmp_path, old).urls, Stack(tmp_path, new).urls
    database = "postgresql://db/plant" if external else before.database_url
    settings = Settings(_env_file=None, brokers=before.brokers, database_url=database, mqtt_url=before.mqtt_url)

    moved = _moved(settings, before, after)

    assert (moved.brokers, moved.mqtt_url) == (after.brokers, after.mqtt_url)
    assert moved.database_url == (database if external else after.database_url)
    assert Stack(tmp_path, new, settings=moved).external == (["postgres"] if external else [])


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("3", {"processor": 3}),
        ("processor=3,actions=2", {"processor": 3, "actions": 2}),
        (" router = 0 , 2 ", {"router": 0, "processor": 2}),
        ("bridge=0", {"bridge": 0}),
    ],
)
def test_workers(text: str, counts: dict[str, int]) -> None:
    assert parse_workers(text) == counts


@pytest.mark.parametrize("text", ["", "-1", "many", "processor=", "plumber=2", "2,processor=3", "bridge=2", "65"])
def test_workers_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError, match="Expected"):
        parse_workers(text)
