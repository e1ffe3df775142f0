"""The script's own process: reads ``{source, input, limits, confined}`` from stdin, writes the result to stdout.

The result is one JSON object: ``{"output": …}``, or ``{"error": kind, "message": …, "line": …}``.
"""

import ctypes
import io
import json
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Any

from streams.sandbox.limits import Limits, impose
from streams.sandbox.seccomp import NoFilterError, install

MODULES = (
    "base64", "bisect", "collections", "datetime", "decimal", "fractions", "functools", "hashlib", "heapq",
    "itertools", "json", "math", "operator", "random", "re", "statistics", "string", "textwrap", "zlib",
)  # fmt: skip
"""What a script can import."""
FILE = "<script>"
MAX_MESSAGE = 500
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Do what stdin says, once."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    order = json.loads(sys.stdin.buffer.read())
    for name in MODULES:
        import_module(name)
    limits = Limits(*order["limits"])
    impose(limits)
    try:
        install()
    except NoFilterError as error:
        if order["confined"]:
            _say({"error": "no_sandbox", "message": str(error)})
            return
    sys.path.clear()
    sys.stdout = sys.stderr = _Nowhere()  # our side reads one result, and nobody what a script prints
    _say(_run(order["source"], order["input"], limits))


class _Nowhere(io.TextIOBase):
    """Where ``print`` goes."""

    def write(self, text: str) -> int:
        return len(text)


def _run(source: str, given: Any, limits: Limits) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "script", "input": given, "output": None}
    try:
        exec(compile(source, FILE, "exec"), namespace)  # noqa: S102  what this process is for
        text = json.dumps({"output": namespace.get("output")}, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except MemoryError:
        return {"error": "memory", "message": f"it needs more than {limits.memory_bytes // 1024 // 1024} MB"}
    except BaseException as error:  # noqa: BLE001  whatever it is, SystemExit too: the script's, to be told
        return _failure(error)
    if size > limits.output_bytes:
        return {"error": "output", "message": f"its output has {size} bytes, of at most {limits.output_bytes}"}
    return json.loads(text)  # type: ignore[no-any-return]


def _failure(error: BaseException) -> dict[str, Any]:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    return {
        "error": "script",
        "message": f"{type(error).__name__}: {_words(error)}"[:MAX_MESSAGE],
        "line": lines[-1] if lines else getattr(error, "lineno", None),
    }


def _words(error: BaseException) -> str:
    """What it says, as JSON can hold it; the script may have written how it does."""
    try:
        return str(error).encode(errors="replace").decode()
    except BaseException:  # noqa: BLE001  see above
        return "it cannot say what is wrong"


def _say(result: dict[str, Any]) -> None:
    os.write(1, json.dumps(result, ensure_ascii=False).encode())
