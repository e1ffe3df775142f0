"""The gateway: processes over HTTP.  What it answers with 202 is in Kafka; it keeps nothing itself.

    models.py    what comes in and goes out (pydantic)
    routes.py    POST a start, POST a signal, GET an instance
    definition_routes.py  GET the definitions
    problems.py  errors as problem documents (RFC 9457), each with the field and the fix
    gate.py      503 with Retry-After while the processor is too far behind
    sending.py   the connection to Kafka, as soon as there is one
    app.py       the application
    run.py       the role's process

There is no authentication yet: it listens on this machine only, and warns when it is told otherwise.
"""
