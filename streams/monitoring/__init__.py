"""What a role tells whoever watches it: numbers at ``/metrics``, and whether it works at ``/health``.

    catalogue.py   every metric by name: the one place where they are declared
    exposition.py  samples → Prometheus' text format
    transport.py   what the transport of a role counts, and what keeps its partitions from moving
    monitor.py     the samples and checks of one role
    web.py         the two pages, on the role's own port

Nothing is counted for the sake of a metric in the way of a record: a scrape reads what is there.
"""

from streams.monitoring.exposition import Sample
from streams.monitoring.monitor import Monitor

__all__ = ["Monitor", "Sample"]
