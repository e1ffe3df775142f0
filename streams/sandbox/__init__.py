"""Python that somebody else wrote, in a process that can compute and nothing more.

    runner     our side: starts the process, gives it source and input, waits, takes the result, kills what is left
    child      its side: limits, then the filter, then the source
    limits     CPU time, memory, files, size (setrlimit)
    seccomp    the filter of system calls: what is not on the list does not happen; it holds for root too
    syscalls   the list, by number, for each kind of machine

The process starts with an empty environment, in isolated mode, in a session of its own.  What it may import has been
loaded before the filter closes: afterwards there are no files.
"""
