"""Positions to events: who comes into the zone and who leaves it is told once, and nothing else is."""

from tests.chaos.evidence import Evidence
from weir.verify.report import Difference


def check(evidence: Evidence) -> list[Difference]:
    wanted = set(evidence.moves_expected())
    found = []
    for event_id in sorted(wanted | evidence.moves.keys()):
        told = evidence.moves[event_id]
        if told != (event_id in wanted):
            message = f"expected {int(event_id in wanted)} event of the zone, but {told} were told"
            found.append(Difference("visit", event_id, None, message))
    return found
