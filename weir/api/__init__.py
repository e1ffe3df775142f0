"""The gateway: processes over HTTP.  What it answers with 202 is in Kafka; it keeps nothing itself.

    auth/        who asks, and what they may
    audit/       a record of every write
    routes/      what can be asked, one file a resource, with what comes in and goes out (pydantic) beside it
    quick.py     routes that are asked thousands of times a second
    database.py  the connections to the database
    idempotency/ a write that is sent again is carried out once
    bulk/        the same for many instances
    following/   one consumer of the topics, for all who wait for outcomes or listen to events
    station/     the station's tables, changed by people as its actions change them
    graphql/     the questions of the routes in one, by GraphQL
    limits.py    how often one may ask, and how much one may send
    headers.py   what keeps a browser from making more of an answer than it is
    counting.py  how many requests were answered with what, and how fast
    standing.py  how many instances, tasks and incidents there are, for metrics
    problems.py  errors as problem documents (RFC 9457), each with the field and the fix
    gate.py      503 with Retry-After while the processor is too far behind
    sending.py   the connection to Kafka, as soon as there is one
    app.py       the application
    run.py       the role's process

Whoever asks must say who they are, unless ``WEIR_API_AUTH=off`` says that everybody is an administrator.
"""
