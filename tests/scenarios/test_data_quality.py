"""Scenarios of the data quality check process."""

TOPIC, NAME = "sensor-data", "data-quality-check"


def _data(plant, value, unit="C", sensor="t1"):
    fields = {"unit": unit} if value is None else {"value": value, "unit": unit}
    plant.read(TOPIC, {"tags": {"sensor_id": sensor}, "fields": fields})


def _published(plant):
    return [one.config["event"]["fields"] for one in plant.effects if one.action == "emit"]


def test_valid_data_is_converted_and_stored(site):
    plant = site(NAME)
    _data(plant, 68, "F")
    assert plant.told() == ["Sensor t1: 20 °C"]
    assert _published(plant) == [{"verdict": "valid", "celsius": 20.0}]


def test_an_invalid_format_is_corrected(site):
    plant = site(NAME)
    _data(plant, "21,5 °C", "")
    assert plant.told() == ["Sensor t1: the data is not as it should be", "Sensor t1: 21.5 °C"]
    assert _published(plant) == [{"verdict": "corrected", "celsius": 21.5}]


def test_what_cannot_be_corrected_is_refused(site):
    plant = site(NAME)
    _data(plant, "warm")
    assert _published(plant) == [{"verdict": "rejected"}]
    assert plant.sent("notify_source")[0]["topic"] == "home/sensors/t1/rejected"


def test_missing_fields_are_refused(site):
    plant = site(NAME)
    _data(plant, None)
    assert plant.path("t1")[-2:] == ["reject", "notify_source"]


def test_a_high_error_rate_is_told_to_an_admin_once(site):
    plant = site(NAME, "data-quality-alarm")
    for _ in range(8):
        _data(plant, "warm")
        plant.pass_time(10_000)
    _data(plant, "warm", sensor="t2")
    assert [one for one in plant.told() if "nobody can use" in one] == ["Sensor t1 sends data that nobody can use"]
