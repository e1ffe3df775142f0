"""Where a role's CPU time goes: a sampling profiler in the process itself, and its report.

A thread looks at every thread's stack a few hundred times a second and weighs it by the CPU time that the kernel says
the thread has used since the last look, so that waiting costs nothing in the report.  While the file ``<path>`` exists,
it samples; when it goes, the stacks are written to ``<path>.stacks``: a line a stack, ``frame;frame;… microseconds``,
the format that flame graphs are made from.

It sees threads where they let go of the interpreter's lock, and what a C function does as its caller's; a thread that
worked and waits again by the time of the look is seen in ``select``.  Take the shares for what they are, and CPU times
from ``meter``.
"""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

VARIABLE = "WEIR_BENCH_PROFILE"
EVERY_S = 0.003
SWITCH_S = 0.0005
LOOK_S = 0.05
WRITE_S = 10.0
SHOWN = 40

Stacks = Counter[tuple[str, ...]]
"""Stacks, outermost frame first, and the microseconds of CPU spent in each."""


def sample_into(path: Path) -> None:
    """Start the sampler's thread; it lives as long as the process."""
    sys.setswitchinterval(SWITCH_S)
    threading.Thread(target=_watch, args=(path,), name="profiler", daemon=True).start()


def _watch(path: Path) -> None:
    while True:
        time.sleep(LOOK_S)
        if path.exists():
            stacks = _sample_while(path)
            lines = "".join(f"{';'.join(stack)} {us}\n" for stack, us in stacks.items())
            temporary = path.with_suffix(".new")
            temporary.write_text(lines, encoding="utf-8")
            temporary.replace(stacks_file(path))


def _sample_while(path: Path) -> Stacks:
    stacks: Stacks = Counter()
    used: dict[int, int] = {}
    next_look = 0.0
    while True:
        time.sleep(EVERY_S)
        frames = sys._current_frames()  # noqa: SLF001  # the only way to them; documented as such
        for thread in threading.enumerate():
            if thread is threading.current_thread() or thread.native_id is None or thread.ident not in frames:
                continue
            now = _cpu_ns(thread.native_id)
            spent = now - used.get(thread.native_id, now)
            used[thread.native_id] = now
            if spent > 0:
                stacks[_stack(frames[thread.ident])] += spent // 1000
        if time.monotonic() > next_look:
            next_look = time.monotonic() + LOOK_S
            if not path.exists():
                return stacks


def _cpu_ns(native_id: int) -> int:
    """Nanoseconds on a CPU (Linux: Documentation/scheduler/sched-stats)."""
    try:
        return int(Path(f"/proc/self/task/{native_id}/schedstat").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    found: list[str] = []
    while frame is not None:
        code = frame.f_code
        found.append(f"{_short(code.co_filename)}:{code.co_qualname}")
        frame = frame.f_back
    return tuple(reversed(found))


def _short(filename: str) -> str:
    for mark in ("/site-packages/", "/lib/python3"):
        if mark in filename:
            return filename.rpartition(mark)[2]
    return "/".join(filename.split("/")[-3:])


def stacks_file(path: Path) -> Path:
    """Where the stacks of the sampler at ``path`` are when it has finished."""
    return path.with_suffix(".stacks")


def read_stacks(path: Path) -> Stacks:
    """What ``sample_into`` has written."""
    stacks: Stacks = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        stack, _, us = line.rpartition(" ")
        stacks[tuple(stack.split(";"))] += int(us)
    return stacks


def report(stacks: Stacks, instances: int) -> str:
    """The functions with the most CPU time, in microseconds an instance: of their own, and with what they call."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for stack, us in stacks.items():
        own[stack[-1]] += us
        files[stack[-1].partition(":")[0]] += us
        for frame in set(stack):
            within[frame] += us
    parts = [
        f"{sum(stacks.values()) / instances:.1f} us of CPU an instance in {len(stacks)} stacks; us an instance",
        *_table("by function, its own", own, instances),
        *_table("by function, with what it calls", within, instances),
        *_table("by file", files, instances),
    ]
    return "\n".join(parts)


def _table(title: str, found: Counter[str], instances: int) -> Iterable[str]:
    yield f"  {title}:"
    for name, us in found.most_common(SHOWN):
        yield f"  {us / instances:8.2f}  {name}"


async def finished(path: Path, instances: int) -> str:
    """Wait for the sampler at ``path`` to write what it found, and report it.  Raises ``TimeoutError``."""
    async with asyncio.timeout(WRITE_S):
        while not stacks_file(path).exists():  # noqa: ASYNC110  # another process makes it
            await asyncio.sleep(LOOK_S)
    return report(read_stacks(stacks_file(path)), instances)
