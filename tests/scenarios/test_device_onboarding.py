"""Scenarios of the device onboarding process."""

TOPIC = "device-events"
HOME = "device-onboarding"


def _register(plant, device="d1", **fields):
    event = {"event": "registered", "model": "HP-200", "firmware": 2.1, **fields}
    plant.read(TOPIC, {"tags": {"device_id": device}, "fields": event})


def test_successful_onboarding(site):
    plant = site(HOME)
    _register(plant)
    done = ["provision_device", "configure_settings", "activate_monitoring", "send_welcome"]
    assert plant.path("d1")[-4:] == done
    assert plant.sent("configure_settings")[0]["payload"] == {"interval_s": 30}
    assert plant.told() == ["Device d1 (HP-200) is ready"]
    assert plant.statuses(HOME) == ["completed"]


def test_invalid_device_data_is_told_to_an_admin(site):
    plant = site(HOME)
    _register(plant, model="")
    _register(plant, "d2", firmware=0)
    assert plant.told() == [
        "Device d1 was not taken in: it names no model",
        "Device d2 was not taken in: it names no firmware",
        "Device d1 was not taken in: it names no model",
        "Device d2 was not taken in: it names no firmware",
    ]
    assert plant.sent("provision_device") == []


def test_an_incompatible_device_is_refused(site):
    plant = site(HOME)
    _register(plant, model="XY-1")
    assert "model XY-1 with firmware 2.1 is not supported" in plant.told()[0]


def test_network_failure_during_provisioning_is_tried_again(site):
    plant = site(HOME, provision_device=[{"error": "unavailable", "retryable": True}] * 2 + [{"output": {}}])
    _register(plant)
    assert plant.statuses(HOME) == ["running"]
    plant.pass_time(60_000)
    assert plant.statuses(HOME) == ["completed"]
    assert [one.outcome for one in plant.effects if one.activity_id == "provision_device"] == [
        "unavailable",
        "unavailable",
        "completed",
    ]


def test_a_network_that_stays_down_is_told(site):
    plant = site(HOME, provision_device=[{"error": "unavailable", "retryable": True}])
    _register(plant)
    plant.pass_time(600_000)
    assert plant.told()[-1] == "Device d1 was not taken in: provisioning failed: unavailable"
    assert plant.statuses(HOME) == ["completed"]


def test_duplicate_registration_starts_nothing(site):
    plant = site(HOME)
    _register(plant)
    _register(plant)
    assert plant.statuses(HOME) == ["completed"]
    assert [one["reason"] for one in plant.rejections] == ["cooling_down"]
