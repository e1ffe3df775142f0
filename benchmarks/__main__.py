"""``python -m benchmarks``: the benchmark's action becomes known before anything else is imported."""

import sys

from benchmarks import reduce

reduce.register()

from benchmarks.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
