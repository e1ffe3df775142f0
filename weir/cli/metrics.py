"""``weir metrics``: every number that a role may tell at ``/metrics``."""

from streams.monitoring.catalogue import METRICS
from weir.cli import options
from weir.cli.output import print_json, print_table


def metrics(*, json: options.Json = False) -> None:
    """List the metrics: name, kind, labels and what it is.

    Each role tells its own at `/metrics` on its port, WEIR_WEB_PORT; the gateway at its own port, those of the whole
    plant among them.
    """
    if json:
        print_json([{"name": name, **metric._asdict()} for name, metric in METRICS.items()])
    else:
        rows = [(name, metric.kind, ", ".join(metric.labels), metric.help) for name, metric in METRICS.items()]
        print_table(("name", "kind", "labels", ""), rows, "")
