"""``/graphql``: instances with what belongs to them, in one request; read only.

    asking.py   one request: who asks, one connection, and what is loaded for many at once
    fields.py   fields of a type: those of a struct of ``projections.queries``, and those that need a scope
    pages.py    pages of a list, as connections
    types.py    instances, events, tasks, incidents, definitions: what leads from one to the other
    query.py    where a question begins
    limits.py   how deep and how costly a question may be
    schema.py   the schema, and answering a request by it

The questions are those of the routes, and so is who may ask them.  The library takes a while to import: ``schema`` is
imported when the first request comes (``weir.api.routes.graphql``).
"""
