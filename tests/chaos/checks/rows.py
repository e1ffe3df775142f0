"""Telemetry to rows: each reading has one, at its place, and nothing else has."""

from tests.chaos.evidence import Evidence
from weir.verify.report import Difference


def check(evidence: Evidence) -> list[Difference]:
    found = []
    for place in sorted(evidence.projectable | evidence.rows.keys()):
        wanted, rows = int(place in evidence.projectable), evidence.rows[place]
        if rows != wanted:
            message = f"expected {wanted} row of telemetry, but the database has {rows}"
            found.append(Difference("row", str(place), None, message))
    return found
