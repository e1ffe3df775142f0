"""What Weir costs, measured whole: ``uv run poe bench WORKLOAD…``.

    cli.py      the command line and the registry of workloads
    w1.py w2.py w3.py telemetry.py replay.py stopped.py    one workload each; open_loop.py is half of W1
    recovery.py scale.py    starting again with a large state; workers that come, go and die
    activities.py    the core by kind of activity
    stalls.py   a steady load and its longest wait; fleet.py the supervised processors
    session.py  what W1, W2, W3 have in common: a plant, a load generator, rows
    plant.py    topics and roles of a run, in a home of its own; services.py what is below them
    load.py     the load generator: commands out, events in
    meter.py    CPU and memory of each process; sampler.py where in a role they go
    rows.py     what the database holds, and whether that is what happened
    peers.py    other systems on the same work; rounds.py alternates with them
    reduce.py   the action of the process of W1; role.py runs a role that knows it

``core.py``, ``transport.py`` and ``verify.py`` measure a part each, and are programs of their own; ``written.py``
writes the log for the last one, ``plain.py`` does without the transport what ``step.py`` has both do.
"""
