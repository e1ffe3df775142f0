"""``Idempotency-Key``: a write that is sent again is carried out once, and answered as before.

    plan.py        the ids of a write, which are the same when it is repeated
    table.py       what was asked under which key, and answered
    middleware.py  reserves a key before anything is sent, and keeps the answer

Draft: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/.  Ids are planned before anything is
sent.  Whoever repeats a write whose gateway has crashed makes the same commands; of those the log tells which are there
already (``weir.decisions``).  A write without the header costs nothing.
"""
