"""The wall clock of one process, set wrong: Python imports this before anything else when its folder is on PYTHONPATH.

``CHAOS_CLOCK`` names a file of one little-endian double: the seconds that ``time.time`` is ahead.  Monotonic clocks,
and with them asyncio's timeouts, go on undisturbed, as they do when somebody sets a machine's clock.
"""

import mmap
import os
import struct
import time

if path := os.environ.get("CHAOS_CLOCK"):
    with open(path, "r+b") as file:  # noqa: PTH123  as little as possible is imported here
        _ahead = mmap.mmap(file.fileno(), 8)
    _read = struct.Struct("<d").unpack_from
    _time, _time_ns = time.time, time.time_ns

    def _skewed() -> float:
        return _time() + _read(_ahead)[0]

    def _skewed_ns() -> int:
        return _time_ns() + int(_read(_ahead)[0] * 1e9)

    time.time, time.time_ns = _skewed, _skewed_ns
