"""What a reading costs that patterns look at: ``python -m benchmarks.patterns [--count N]``.

CPU microseconds of a reading by form, in the router (from its bytes to those of the command) and in the processor (from
the command's bytes to the window's record); the best of the rounds.  Readings of 1,000 keys, one in three of them hot,
in batches of 200, a second apart; what fires is part of it.
"""

import argparse
import gc
import time
from collections.abc import Iterable
from typing import Any

import orjson

from benchmarks.core import BATCH, START_MS, STEP_MS, Bench, Record, Transaction
from benchmarks.workload import Emit, Options
from streams.core.clock import PlantClock
from streams.core.parse import parse_definition
from streams.core.process import Process, compile_process
from streams.processing import decode_records
from streams.routing import Router
from streams.settings import Settings
from streams.topics import load_topics

TOPIC = "heatpump-telemetry"
KEYS = 1_000
COUNT = 20_000
ROUNDS = 3
FORMS = {
    "for": "condition: fields.t > 80, for: 5m",
    "deadband": "deadband: {value: fields.t, on: 80, off: 75}, for: 5m",
    "count": "condition: fields.t > 80, count: 3, within: 1h",
    "sequence": 'sequence: ["fields.t > 80", "fields.t < 75"], within: 1h',
    "absent": "absent: 5m",
    "for, lateness": "condition: fields.t > 80, for: 5m, lateness: 10s",
}
DEFINITION = """
id: hot
version: 1
trigger: {{type: pattern, topic: heatpump-telemetry, mode: parallel, max_age: 1d, {trigger}}}
variables: [{{name: device, source: tags.device_id, live: false}}, {{name: t, source: fields.t, live: false}}]
activities: [{{id: told, type: service, action: log, message: "${{t}}"}}]
"""


class _Deployed:
    """One definition, as the router asks for it."""

    generation = 1

    def __init__(self, process: Process) -> None:
        self._process = process

    def active(self) -> Iterable[Process]:
        return [self._process]

    all = active


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Every form, and all of them in the summary."""
    count = max(KEYS, options.instances or COUNT)
    found = {}
    for name, trigger in FORMS.items():
        options.step(f"readings for '{name}'", None)
        router, processor = measure(DEFINITION.format(trigger=trigger), count)
        emit({"workload": f"patterns {name}", "router_us": router, "processor_us": processor})
        found[name] = {"router_us": router, "processor_us": processor}
    return {"workload": "patterns", "readings": count, "us_per_reading": found}


def measure(text: str, count: int) -> tuple[float, float]:
    """CPU microseconds of a reading: (router, processor)."""
    topics = load_topics(Settings(_env_file=None, partitions=1))
    router = Router(topics, _Deployed(compile_process(parse_definition(text))), PlantClock())
    bench = Bench(text)
    best = [float("inf")] * 2
    now = START_MS
    for _ in range(ROUNDS):
        spent = [0.0, 0.0]
        gc.collect()
        gc.freeze()
        for first in range(0, count, BATCH):
            now += STEP_MS
            records = [_reading(number, now) for number in range(first, first + BATCH)]
            began = time.process_time()
            routed = router.route(TOPIC, 0, records, now)
            spent[0] += time.process_time() - began
            commands = [
                Record(value or b"", b"key", number, now) for number, (_, _, _, value, _) in enumerate(routed.outputs)
            ]
            began = time.process_time()
            txn = Transaction(bench.contents)
            outcome = bench.processor.process(decode_records(commands), txn, now, caught_up=True)
            bench.processor.committed(outcome)
            spent[1] += time.process_time() - began
            txn.commit()
            assert outcome.counts.rejected == outcome.counts.dead == 0
        best = [min(before, seconds / count * 1e6) for before, seconds in zip(best, spent, strict=True)]
    return round(best[0], 1), round(best[1], 1)


def _reading(number: int, now: int) -> Record:
    value = {"tags": {"device_id": f"device-{number % KEYS}"}, "fields": {"t": 70 + number % 3 * 10}}
    return Record(orjson.dumps(value), b"key", number, now)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT, help="readings a round")
    asked = parser.parse_args()
    print(f"{'us a reading':<16}{'router':>10}{'processor':>12}")
    for name, figures in run(Options(instances=asked.count), lambda _: None)["us_per_reading"].items():
        print(f"{name:<16}{figures['router_us']:>10.1f}{figures['processor_us']:>12.1f}")


if __name__ == "__main__":
    main()
