"""What a script may use up, set by the process itself before the script's first line; it cannot raise them again."""

import resource
from typing import NamedTuple


class Limits(NamedTuple):
    """``cpu_s`` of processor time, ``memory_bytes`` of address space, ``output_bytes`` of JSON."""

    cpu_s: int = 5
    memory_bytes: int = 256 * 1024 * 1024
    output_bytes: int = 48 * 1024


def impose(limits: Limits) -> None:
    """Set them, hard: at the soft CPU limit the kernel sends SIGXCPU, which ends the process."""
    for which, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(which, (most, most))
