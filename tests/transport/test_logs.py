"""Retries of the libraries are logged once in a while, errors of ours always."""

import logging

from streams.transport import logs


def record(message, *args, level=logging.WARNING):
    return logging.LogRecord("aiokafka.x", level, "file", 1, message, args, None)


def test_a_repeated_message_passes_once_in_ten_seconds(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    repeats = logs.Repeats()
    assert repeats.filter(record("node %s is away", 1))
    assert not repeats.filter(record("node %s is away", 2))
    assert repeats.filter(record("another thing"))
    now += logs.EVERY_S
    assert repeats.filter(record("node %s is away", 3))


def test_verification_answers_never_pass_and_critical_ones_always(monkeypatch):
    monkeypatch.setattr(logs.time, "monotonic", lambda: 0.0)
    repeats = logs.Repeats()
    assert not repeats.filter(record("Got error produce response: %s", "NotEnoughReplicasError"))
    assert all(repeats.filter(record("the end", level=logging.CRITICAL)) for _ in range(3))
