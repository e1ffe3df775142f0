"""A role of Weir that knows the benchmark's action: ``python -m benchmarks.role NAME``, otherwise as ``weir.role``.

With ``WEIR_BENCH_PROFILE`` in its environment it samples itself: ``benchmarks.sampler``.
"""

import os
import sys
from pathlib import Path

from benchmarks import reduce, sampler

reduce.register()

from weir.role import main  # noqa: E402  # it leads to the activities, whose models follow from the registered actions

if __name__ == "__main__":
    if path := os.environ.get(sampler.VARIABLE):
        sampler.sample_into(Path(path))
    sys.exit(main(sys.argv[1:]))
