"""A role of Weir that knows the benchmark's action: ``python -m benchmarks.role NAME``, otherwise as ``weir.role``.

With ``WEIR_BENCH_PROFILE`` in its environment it samples itself: ``benchmarks.profile``.
"""

import os
import sys
from pathlib import Path

from benchmarks import profile, reduce

reduce.register()

from weir.role import main  # noqa: E402  # it leads to the activities, whose models follow from the registered actions

if __name__ == "__main__":
    if path := os.environ.get(profile.VARIABLE):
        profile.sample_into(Path(path))
    sys.exit(main(sys.argv[1:]))
