"""Samples in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from streams.histogram import Histogram
from streams.monitoring.catalogue import METRICS

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Sample(NamedTuple):
    """A value of a metric of the catalogue; ``labels`` in the order in which that declares them."""

    name: str
    value: float | Histogram
    labels: tuple[str, ...] = ()


class _Collected:
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[Sample]] = defaultdict(list)
        for sample in self._samples:
            by_name[sample.name].append(sample)
        for name, samples in by_name.items():
            metric = METRICS[name]
            found = _FAMILIES[metric.kind](name, metric.help, labels=metric.labels)
            for sample in samples:
                if len(sample.labels) != len(metric.labels):
                    raise ValueError(f"Expected {name} with the labels {metric.labels}, but got {sample.labels}")
                if isinstance(found, HistogramMetricFamily):
                    assert isinstance(sample.value, Histogram), name
                    found.add_metric(sample.labels, list(sample.value.buckets()), sample.value.sum)
                else:
                    found.add_metric(sample.labels, sample.value)
            yield found


_FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}


def expose(samples: Iterable[Sample]) -> bytes:
    """The page of ``/metrics``, with the process's own CPU, memory and start besides.

    Raises ``KeyError`` for a sample that the catalogue does not declare, ``ValueError`` for one with other labels.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(samples))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
