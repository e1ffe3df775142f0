"""Scenarios of the approval workflow."""

from tests.scenarios.conftest import DAY

NAME = "approval"


def _ask(plant, amount=500):
    return plant.start(NAME, None, requester="otto", subject="a pump", amount=amount)


def test_approval_granted(site):
    plant = site(NAME)
    _ask(plant)
    plant.answer("one_manager", "mia", "approved")
    assert plant.sent("execute")[0]["payload"] == {"subject": "a pump", "amount": 500, "for": "otto"}
    assert plant.told()[-1] == "otto: a pump is approved"
    assert plant.statuses(NAME) == ["completed"]


def test_approval_denied(site):
    plant = site(NAME)
    _ask(plant)
    plant.answer("one_manager", "mia", "rejected")
    assert plant.sent("execute") == []
    assert plant.told()[-2:] == [
        "a pump for otto was not approved: rejected",
        "otto: a pump was not approved (rejected)",
    ]


def test_approval_timeout_is_escalated_and_then_denied(site):
    plant = site(NAME)
    _ask(plant)
    plant.pass_time(DAY)
    assert [one.type for one in plant.events if one.type.startswith("task_")].count("task_escalated") == 1
    plant.pass_time(7 * DAY)
    assert plant.told()[-1] == "otto: a pump was not approved (timeout)"
    assert plant.statuses(NAME) == ["completed"]


def test_two_of_three_directors_must_agree(site):
    plant = site(NAME)
    _ask(plant, amount=50_000)
    plant.answer("two_directors", "anna", "rejected")
    plant.answer("two_directors", "eva", "approved")
    assert plant.statuses(NAME) == ["running"]
    plant.answer("two_directors", "ben", "approved")
    assert plant.told()[-1] == "otto: a pump is approved"
