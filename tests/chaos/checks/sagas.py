"""A saga is paid, or all that it has booked is undone, last first: the world hears of each step once, in this order."""

from tests.chaos.evidence import Evidence
from weir.verify.report import Difference

PAID = ("hotel", "flight", "paid")
UNDONE = ("hotel", "flight", "no flight", "no hotel")
"""Of even numbers, which cannot be paid."""


def check(evidence: Evidence) -> list[Difference]:
    found = []
    for instance, n, events in evidence.of("saga"):
        wanted = [f"saga {n}: {step}" for step in (PAID if n % 2 else UNDONE)]
        told = evidence.told(instance)
        if told != wanted:
            found.append(Difference("saga", instance, None, f"the world expected to hear {wanted}, but heard {told}"))
        if events[-1].type != "completed":
            found.append(
                Difference("saga", instance, None, f"expected it to complete, but it ends as {events[-1].type}")
            )
    return found
