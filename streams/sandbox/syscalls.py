"""The system calls that a script may make, by number (``asm/unistd_64.h``; ``asm-generic/unistd.h`` for aarch64).

Memory, time, random numbers, signals of its own, its open pipes, its end.  No file is opened, no socket made, no
process or thread started, nobody signalled.
"""

from typing import NamedTuple


class Machine(NamedTuple):
    """``audit`` is the kernel's number of the machine (``linux/audit.h``)."""

    audit: int
    allowed: dict[str, int]


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        {
            "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
            "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25,
            "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96, "sigaltstack": 131,
            "gettid": 186, "time": 201, "futex": 202, "restart_syscall": 219, "clock_gettime": 228,
            "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "set_robust_list": 273, "getrandom": 318,
            "rseq": 334,
        },
    ),
    "aarch64": Machine(
        0xC00000B7,
        {
            "close": 57, "lseek": 62, "read": 63, "write": 64, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
            "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113, "clock_getres": 114,
            "clock_nanosleep": 115, "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132,
            "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "gettimeofday": 169, "getpid": 172,
            "gettid": 178, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233,
            "getrandom": 278, "rseq": 293,
        },
    ),
}  # fmt: skip
