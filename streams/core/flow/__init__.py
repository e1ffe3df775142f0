"""How an instance moves: what entering each kind of activity does, and everything around it.

    decide ─► Flow ─► step.run ─┬─► <kind>.enter ─► events ─► next activity, or WAITS
                                └─► branches.ended, where a branch is at its end

**Tokens.**  A token is one line of execution (``places``).  At rest it waits at one place of ``Instance.waiting``, or
its activity owns a scope: branches with tokens of their own.  ``Flow.ahead`` is what tokens have still to do.

**A kind** is a model and a node in ``activities/``, and here a file with ``enter(flow, node, token)``: it says
``flow.begin``, emits what happens, and returns the id of the next activity or ``WAITS``.  What is done is left by
``flow.leave``, so that it can be undone.  Variables are ``flow.variables(token)`` and ``flow.store``.  One line in
``KINDS``, one in ``step.ENTER``.  An ``ExpressionError`` is an error of the activity; others are ``errors.fail``.

**A wait** is a ``Wait`` that an applier puts at the place, of a kind of its own.  A command that ends it looks it up by
place, checks the execution (and the attempt), emits ``activity_completed`` or ``activity_failed``, which take it away,
says ``flow.go`` and runs the flow.  What else follows when it is given up, by a timeout or because a sibling failed, is
a line in ``cancelling.CANCELLED``.

**A moment** is in the state, and told by ``streams.core.due``: with a purpose, whose line in ``due.PURPOSES`` says what
firing does; the ``due`` of a wait is told already, and its line is in ``due.WAITS_OVER``.  Nobody else knows of timers.

**A scope** is opened by an event of the activity that owns it, under its execution; each branch begins by ``flow.go``
with ``branch_token``.  A branch at its end comes to ``branches.ENDED`` by the kind of scope; ``activity_completed`` (or
``_failed``, ``_cancelled``, ``error_caught``) with the execution closes it.  ``cancelling.cancel_within`` ends all that
goes on in it.  ``locals`` of the scope make variables a branch's own.

**Errors** go outwards: ``errors`` has the way, ``service`` the attempts before it.
"""
