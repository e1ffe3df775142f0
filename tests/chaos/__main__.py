"""``poe chaos --seed N --minutes M``: exit code 0 for PASS, 1 for FAIL, with a report.

``--keep`` leaves the folder with all logs in place; one that fails is always left.
"""

import argparse
import json
import logging
import shlex
import shutil
import sys

import structlog

from tests.chaos.home import new_folder, run_to_the_end, sweep
from tests.chaos.run import Options, run
from tests.mutations import MUTATIONS


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="poe chaos", description="Faults, chosen by a seed, against a whole plant.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=Options.rate, help="commands a second")
    parser.add_argument("--rebuild", action="store_true", help="both replays afterwards, interrupted and resumed")
    parser.add_argument("--plant", action="append", choices=MUTATIONS, default=[], help="a bug that must be found")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave services' data and logs in place")
    arguments = parser.parse_args(argv)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    logging.basicConfig(level=logging.CRITICAL)
    options = Options(arguments.seed, arguments.minutes, arguments.rate, arguments.rebuild, frozenset(arguments.plant))
    sweep()
    folder = new_folder()
    passed = False
    try:
        report = run_to_the_end(run(options, folder))
        passed = report.passed
        sys.stdout.write((json.dumps(report.document()) if arguments.json else report.text()) + "\n")
    finally:
        if passed and not arguments.keep:
            shutil.rmtree(folder)
        else:
            sys.stderr.write(f"logs: {folder}\nagain: uv run poe chaos {shlex.join(options.arguments)}\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
