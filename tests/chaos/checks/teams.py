"""A team ends when one person has answered, one parcel and one child have come, and each room was told: each once.

Several people answer, and several send the same parcel.
"""

from collections import Counter

from tests.chaos.evidence import Evidence
from weir.verify.report import Difference

ONCE = ("task_created", "task_completed", "message_awaited", "signal_received", "subprocess_requested", "completed")
ROOMS = ("red", "green", "blue")


def check(evidence: Evidence) -> list[Difference]:
    children = Counter(n for _, n, events in evidence.of("part") if events[-1].type == "completed")
    started = Counter(n for _, n, _ in evidence.of("part"))
    found = []
    for instance, n, events in evidence.of("team"):
        problems = []
        times = Counter(event.type for event in events)
        problems += [f"expected {kind} once, but got it {times[kind]} times" for kind in ONCE if times[kind] != 1]
        if (started[n], children[n]) != (1, 1):
            problems.append(f"expected one child that completes, but {started[n]} started, {children[n]} completed")
        told, wanted = evidence.told(instance), sorted(f"team {n}: {room}" for room in ROOMS)
        if sorted(told[:-1]) != wanted or told[-1:] != [f"team {n}: over"]:
            problems.append(f"the world expected to hear {wanted}, and last that it is over, but heard {told}")
        found += [Difference("team", instance, None, problem) for problem in problems]
    return found
