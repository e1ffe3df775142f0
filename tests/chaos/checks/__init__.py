"""What the checker does not see: both ends of telemetry, and what processes mean.  One file a check, a line here."""

from collections.abc import Callable

from tests.chaos.checks import bridging, rows, sagas, teams, visits
from tests.chaos.evidence import Evidence
from weir.verify.report import Difference

CHECKS: dict[str, Callable[[Evidence], list[Difference]]] = {
    "bridging": bridging.check,
    "rows": rows.check,
    "sagas": sagas.check,
    "teams": teams.check,
    "visits": visits.check,
}
