"""How an instance moves: what entering each kind of activity does, and everything around it.

    decide ─► Flow ─► step.run ─┬─► <kind>.enter ─► events
                                └─► (token, next activity) …

A **token** is one line of execution (``places``).  At rest it waits at a place of ``Instance.waiting``.
"""
