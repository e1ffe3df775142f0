"""``weir verify`` on a plant that runs."""

import pytest

from tests.cli.conftest import Plant
from tests.cli.test_plant import APPROVAL, eventually
from weir.cli.verify import SHOWN
from weir.database import connected
from weir.stack.checks import run_async

UNKNOWN = "019ab8f0-0000-8001-8000-000000000000"
INSTANCES = 25


@pytest.fixture(scope="module")
def instances(plant: Plant) -> list[str]:
    """Ids of instances that wait for a message, in the database too."""
    folder = plant.home.parent / "definitions"
    folder.mkdir()
    (folder / "approval.yaml").write_text(APPROVAL.format(version=1, denial="Denied"))
    plant.ask("deploy", str(folder))
    for number in range(INSTANCES):
        plant.ask("start", "approval", "--key", f"order-{number}", "--var", "amount=5")
    found = eventually(lambda: plant.ask("instances"), lambda rows: len(rows) == INSTANCES)
    return [row["id"] for row in found]


def test_equal(plant: Plant, instances: list[str]) -> None:
    report = plant.ask("verify")
    assert report["ok"] is True
    assert report["differences"] == []
    assert (report["instances"], report["events"], report["partitions"]) == (INSTANCES, 3 * INSTANCES, 4)
    said = plant.weir("verify")
    assert said.exit_code == 0
    assert f"Log, table and database are equal: {INSTANCES} instances" in said.stdout


def test_one_instance(plant: Plant, instances: list[str]) -> None:
    report = plant.ask("verify", instances[0])
    assert (report["ok"], report["instances"], report["events"], report["partitions"]) == (True, 1, 3, 1)
    for unknown in (UNKNOWN, UNKNOWN.replace("8001", "8fff")):
        assert plant.ask("verify", unknown, code=1)["error"]["reason"] == "unknown_instance"


def test_differences_are_told_and_end_with_1(plant: Plant, instances: list[str]) -> None:
    _sql(plant, "UPDATE process_instances SET steps = steps + 1")
    try:
        report = plant.ask("verify", code=1)
        assert report["ok"] is False
        assert {one["subject"] for one in report["differences"]} == set(instances)
        first = report["differences"][0]
        assert (first["kind"], first["seq"], first["message"]) == (
            "instance",
            3,
            "steps: expected 1, but process_instances has 2",
        )
        assert [one["subject"] for one in plant.ask("verify", instances[3], code=1)["differences"]] == [instances[3]]
        said = plant.weir("verify")
        assert said.exit_code == 1
        assert said.stdout.count("steps: expected 1, but process_instances has 2") == SHOWN
        assert f"{INSTANCES} differences, of which {SHOWN} are shown" in said.stdout
    finally:
        _sql(plant, "UPDATE process_instances SET steps = steps - 1")
    assert plant.ask("verify")["ok"] is True


def test_a_database_that_is_not_there(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://weir@127.0.0.1:22499/weir")
    assert plant.ask("verify", code=3)["error"]["reason"] == "unreachable"


def test_a_broker_that_is_not_there(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDPANDA_BROKERS", "127.0.0.1:22499")
    assert plant.ask("verify", code=3)["error"]["reason"] == "unreachable"


def _sql(plant: Plant, statement: str) -> None:
    async def execute() -> None:
        async with connected(plant.settings) as connection:
            await connection.execute(statement)

    run_async(execute())
