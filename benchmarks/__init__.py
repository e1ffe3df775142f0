"""What Weir costs, measured whole: ``uv run poe bench WORKLOAD…``.

One file a workload; ``__main__`` is the command line and holds their registry.

    plant.py    services, topics and roles of a run, in a home of its own
    load.py     the load generator: commands out, events in
    meter.py    CPU and memory of each process
    rows.py     what the database holds, and whether that is what happened
    reduce.py   the action of the process of W1; role.py runs a role that knows it
"""
