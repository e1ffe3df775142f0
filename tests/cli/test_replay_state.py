"""``weir replay --state`` on a plant."""

from tests.cli.conftest import Plant
from tests.cli.test_plant import APPROVAL, eventually


def test_a_processor_that_works_is_not_disturbed_and_one_that_stopped_goes_on(plant: Plant) -> None:
    folder = plant.home.parent / "replayed"
    folder.mkdir()
    (folder / "approval.yaml").write_text(APPROVAL.format(version=1, denial="No"))
    plant.ask("deploy", str(folder))
    instance = plant.ask("start", "approval", "--key", "order-1", "--var", "amount=12.5")["instance_id"]

    refused = plant.ask("replay", "--state", code=1)["error"]
    assert (refused["reason"], "Expected no processor at work" in refused["message"]) == ("replay", True)
    assert "weir up --no-roles" in refused["hint"]

    plant.stack.stop_process("processor")
    report = plant.ask("replay", "--state")
    assert (report["repaired"], report["removed"]) == (0, 0)
    assert report["events"] == sum(one["events"] for one in report["partitions"]) > 0
    assert report["entities"] == 3  # the definition, the instance and its key
    told = plant.weir("replay", "--state", "--ignore-changelog")
    assert told.exit_code == 0, told.output
    assert "0 records were repaired" in told.stdout

    plant.start("processor")
    plant.ask("signal", "decided", "--key", "order-1", "--payload", '{"approved": true}')
    eventually(lambda: plant.ask("show", instance), lambda found: found["status"] == "completed")
    assert plant.ask("verify")["ok"] is True
