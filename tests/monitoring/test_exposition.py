"""The catalogue of metrics, and the page that shows samples of it."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.histogram import Histogram
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
        if metric.kind != "histogram"
    ]
    found = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(expose(samples).decode())
        for sample in family.samples
    }
    for name, value, labels in samples:
        assert found[name] == (dict(zip(METRICS[name].labels, labels, strict=True)), value)
    assert found["process_start_time_seconds"][1] > 0


def test_a_histogram_is_exposed_with_its_buckets() -> None:
    took = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        took.observe(seconds)
    [family] = [
        family
        for family in text_string_to_metric_families(
            expose([Sample("weir_action_seconds", took, ("notify", "completed"))]).decode()
        )
        if family.name == "weir_action_seconds"
    ]
    assert family.type == "histogram"
    found = {(one.name.removeprefix(family.name), one.labels.get("le")): one.value for one in family.samples}
    assert found == {
        ("_bucket", "0.1"): 2,
        ("_bucket", "1.0"): 3,
        ("_bucket", "+Inf"): 4,
        ("_count", None): 4,
        ("_sum", None): 7.65,
    }
    assert took.count == 4


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
