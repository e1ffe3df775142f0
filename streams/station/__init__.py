"""The station: its people, the zones they move in, alerts, messages and bots.

    positions, messages ─► intake ──┐
                                    ├─► tables and outbox ── relay ──► station-events ──► router, projector
    station actions, the API ───────┘   one transaction

The tables are *owned*: what is in them exists nowhere else, and no replay touches them.  Whoever changes one puts the
events of that into the outbox within the same transaction (``events``); the relay carries them to Kafka, each once, in
order (``relay``).  ``Tables`` says what actions may do in a transaction; ``sql`` does it in PostgreSQL and ``memory``,
its fake, in dictionaries.
"""
