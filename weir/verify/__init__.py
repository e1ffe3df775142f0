"""Is everything what the log says?  ``weir verify`` asks it of a plant at work, ``check_log`` of one at rest.

    report      what is found
    run         partitions in groups, each in a process     group      the work on a group, and its cuts
    log         check_log: one quiet log, all at once       sent       what whoever sent things knows of them
    gathered    what the topics around the events tell      memory     tables and rows that are in memory
    events      a partition's events into a fold            seen       an event beside what was before it
    fold        events folded, with the checks on the way   checks/    the rules of the log, one file each
    table       the processor's table against the fold      database   the rows against the fold, by digests
    history, rows, tasks, incidents    what the rows must be    explain    seq by seq, where digests differ
    definitions the deployed versions                       canonical  one text for each JSON value

The fold shares ``apply`` with the processor, so it shows whether table and log agree, not whether ``apply`` is right:
that is what the golden histories are for.
"""
