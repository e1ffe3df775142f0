"""Who has done what: a record on ``process-audit`` of every write, before it is answered.

    entry.py       what is known of a write while it is carried out
    redacting.py   a body as it may be kept
    middleware.py  one record for every write, refused ones too
    changing.py    changes of tables that only the gateway writes

A read costs nothing.  ``projections.feeds.audit`` carries the records into the table ``audit_log``.
"""
