"""Series files: what is taken, and that what is not names its place."""

from datetime import timedelta

import pytest

from weir.demo.series import SeriesError, failure_windows, read_series


def test_rows_in_the_files_order(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("timestamp,value\n2024-01-01 00:00:00,1\n\n2024-01-01 00:10:00, -2.5 \n2024-01-01T00:20:00Z,3e1\n")
    series = read_series(path, "boiler")
    assert series.device_id == "boiler"
    assert series.values == [1.0, -2.5, 30.0]
    assert series.readings[1].timestamp == "2024-01-01 00:10:00"
    assert series.interval == timedelta(minutes=10)


def test_the_header_is_optional(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("2024-01-01 00:00:00,1\n")
    series = read_series(path, "boiler")
    assert series.values == [1.0]
    assert series.interval == timedelta(minutes=5)


def test_the_interval_is_the_usual_one(tmp_path):
    # a gap of a day and a step back of an hour, as clocks that are set leave them
    hours = ["00:00", "00:05", "00:10", "23:00", "23:05", "22:05", "22:10"]
    path = tmp_path / "a.csv"
    path.write_text("".join(f"2024-01-01 {hour}:00,1\n" for hour in hours))
    assert read_series(path, "boiler").interval == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("timestamp,value\n2024-01-01,1\n2024-01-02\n", 3, "two columns"),
        ("timestamp,value\n2024-01-01,1,2\n", 2, "two columns"),
        ("timestamp,value\nyesterday,1\n", 2, "'yesterday'"),
        ("timestamp,value\n2024-01-01,warm\n", 2, "'warm'"),
        ("timestamp,value\n2024-01-01,nan\n", 2, "finite"),
        ("timestamp,value\n2024-01-01,\n", 2, "number"),
        ("time,temperature\n2024-01-01,1\n", 1, "'time'"),
        ('timestamp,value\n"2024-01-01,1\n', 2, "row"),
    ],
)
def test_a_bad_row_is_named(tmp_path, text, line, words):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(SeriesError) as raised:
        read_series(path, "boiler")
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert words in str(raised.value)


@pytest.mark.parametrize("text", ["", "timestamp,value\n"])
def test_an_empty_file_is_refused(tmp_path, text):
    path = tmp_path / "empty.csv"
    path.write_text(text)
    with pytest.raises(SeriesError, match="at least one row"):
        read_series(path, "boiler")


def test_files_that_are_no_text(tmp_path):
    with pytest.raises(SeriesError, match="No such file"):
        read_series(tmp_path / "nowhere.csv", "boiler")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SeriesError, match="UTF-8"):
        read_series(tmp_path / "binary.csv", "boiler")


def test_the_failure_windows_are_two_days_of_five_minutes():
    for number, series in enumerate(failure_windows(), start=1):
        assert series.device_id == f"machine-{number}"
        assert series.interval == timedelta(minutes=5)
        first, last = series.readings[0].at, series.readings[-1].at
        assert last - first == timedelta(minutes=5) * 566
