"""The catalogue of metrics, and the page that shows samples of it."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.monitoring.catalogue import METRICS
from streams.monitoring.exposition import Sample, expose

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", METRICS)
def test_names_follow_the_conventions(name: str) -> None:
    metric = METRICS[name]
    assert re.fullmatch(r"weir_[a-z]+(_[a-z]+)*", name)
    assert name.endswith("_total") == (metric.kind == "counter")
    assert metric.help
    assert "_ms" not in name


def test_every_metric_can_be_exposed_and_parsed() -> None:
    samples = [
        Sample(name, n + 0.5, tuple(f'{label} "é\\' for label in metric.labels))
        for n, (name, metric) in enumerate(METRICS.items())
    ]
    found = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(expose(samples).decode())
        for sample in family.samples
    }
    for name, value, labels in samples:
        assert found[name] == (dict(zip(METRICS[name].labels, labels, strict=True)), value)
    assert found["process_start_time_seconds"][1] > 0


def test_samples_of_one_metric_are_one_family() -> None:
    page = expose([Sample("weir_lag_records", n, ("t", str(n))) for n in range(3)]).decode()
    assert page.count("# TYPE weir_lag_records gauge") == 1
    assert page.count("weir_lag_records{") == 3


def test_a_sample_that_is_not_declared_is_an_error() -> None:
    with pytest.raises(KeyError):
        expose([Sample("weir_unheard_of", 1)])
    with pytest.raises(ValueError, match="labels"):
        expose([Sample("weir_lag_records", 1)])


def test_every_metric_of_the_catalogue_is_sampled_somewhere() -> None:
    sources = "".join(
        path.read_text()
        for package in ("streams", "projections", "weir")
        for path in (PROJECT / package).rglob("*.py")
        if path.name != "catalogue.py"
    )
    assert [name for name in METRICS if f'"{name}"' not in sources] == []
