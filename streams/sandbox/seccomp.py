"""The filter of system calls: a BPF program that the kernel runs before each (``seccomp(2)``, ``linux/filter.h``).

It cannot be taken off again, and whatever the process becomes keeps it.
"""

import ctypes
import errno
import os
import platform
import struct

from streams.sandbox.syscalls import MACHINES

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 38, 22, 2
LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, MACHINE = 0, 4
"""Offsets in ``struct seccomp_data``."""
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
X32 = 0x40000000
"""From here on x86_64 counts the calls of its other ABI, which would pass by the list."""


class NoFilterError(OSError):
    """The kernel, or the machine, has no filter of system calls for us."""


def install() -> None:
    """From now on this process makes no system call that is not on the list.  Raises ``NoFilterError``."""
    program = _program()
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_DUMPABLE, 0, 0, 0, 0),
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0),
    ):
        wide = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments[1:]]
        if libc.prctl(arguments[0], *wide) != 0:
            number = ctypes.get_errno()
            raise NoFilterError(number, f"prctl({arguments[0]}): {os.strerror(number)}")


def _program() -> bytes:
    """Eight bytes an instruction: code, where to jump when true, when false, operand."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise NoFilterError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    numbers = sorted(machine.allowed.values())
    lines = [
        (LOAD, 0, 0, MACHINE),
        (JUMP_EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (JUMP_GREATER_EQUAL, len(numbers) + 1, 0, X32),
    ]
    lines += [(JUMP_EQUAL, len(numbers) - at + 1, 0, number) for at, number in enumerate(numbers)]
    lines += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, KILL), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
