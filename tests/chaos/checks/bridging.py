"""MQTT to Kafka: what the MQTT broker has acknowledged is on the telemetry topic, once or more often."""

from tests.chaos.evidence import Evidence
from weir.verify.report import Difference


def check(evidence: Evidence) -> list[Difference]:
    there = {reading.mark for reading in evidence.readings.values()}
    lost = sorted(evidence.book.published - there)
    found = [Difference("bridge", mark, None, "the MQTT broker has taken it, and Kafka never got it") for mark in lost]
    for mark, place in sorted(evidence.book.placed.items()):
        reading = evidence.readings.get(place)
        if reading is None or reading.mark != mark:
            found.append(Difference("reading", mark, None, f"Kafka has acknowledged it at {place}, but has {reading}"))
    return found
