"""Starts a script's process, gives it what it needs, and takes what comes back: within limits of time and size."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from streams.sandbox.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
MAX_RESULT_BYTES = 128 * 1024
"""More than any output with its escapes: beyond it the process writes by itself, and is killed."""
START = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from streams.sandbox.child import main; main()"


class Failed(Exception):  # noqa: N818  it is what the script has done
    """The script did not come to a result; ``kind`` is script, cpu, memory, output, time, no_sandbox or crash."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Result(msgspec.Struct):
    output: Any = None
    error: str | None = None
    message: str = ""
    line: int | None = None


class Script(NamedTuple):
    """``confined``: refuse to run where the kernel cannot filter system calls."""

    source: str
    input: Any
    limits: Limits = Limits()
    confined: bool = True


async def run(script: Script, timeout_s: float) -> Any:
    """The script's ``output``, any JSON.  Raises ``Failed``.  Whatever it started is gone when this returns."""
    order = {
        "source": script.source,
        "input": script.input,
        "limits": list(script.limits),
        "confined": script.confined,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-B", "-c", START),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            said = await _talk(process, orjson.dumps(order))
            code = await process.wait()
    except TimeoutError:
        raise Failed("time", f"it was not done within {timeout_s:.1f} s") from None
    finally:
        await _end(process, confined=script.confined)
    return _result(said, code, script.limits)


async def _talk(process: asyncio.subprocess.Process, order: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(order)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return b""  # it has died; its exit code tells why
    said = bytearray()
    while part := await process.stdout.read(65_536):
        said += part
        if len(said) > MAX_RESULT_BYTES:
            raise Failed("output", f"it writes more than {MAX_RESULT_BYTES} bytes")
    return bytes(said)


async def _end(process: asyncio.subprocess.Process, *, confined: bool) -> None:
    """Kill the session, and wait until the process is gone.  Without the filter it may have left others behind."""
    if process.returncode is None or not confined:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _result(said: bytes, code: int, limits: Limits) -> Any:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise Failed("cpu", f"it needs more than {limits.cpu_s} s of processor time")
    try:
        result = msgspec.json.decode(said, type=_Result)
    except msgspec.MsgspecError:
        raise Failed("crash", f"its process ended with code {code} and no result") from None
    if result.error is not None:
        at = f" (line {result.line})" if result.line is not None else ""
        raise Failed(result.error, f"{result.message}{at}")
    return result.output
