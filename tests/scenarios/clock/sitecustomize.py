"""The wall clock of one process, which all but stands still: Python imports this first, from a folder on PYTHONPATH.

``SCENARIO_CLOCK`` names a file of one little-endian double: what ``time.time`` says, in Unix seconds.  Monotonic
clocks, and with them asyncio's timeouts, go on undisturbed.  It creeps by a microsecond a second, for who looks whether
something has happened since to see it.
"""

import mmap
import os
import struct
import time

if path := os.environ.get("SCENARIO_CLOCK"):
    with open(path, "r+b") as file:  # noqa: PTH123  as little as possible is imported here
        _shown = mmap.mmap(file.fileno(), 8)
    _read = struct.Struct("<d").unpack_from

    def _time() -> float:
        return float(_read(_shown)[0]) + time.monotonic() % 300 * 1e-6

    def _time_ns() -> int:
        return round(_time() * 1_000_000) * 1_000

    time.time, time.time_ns = _time, _time_ns
