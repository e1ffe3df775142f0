"""Traces: what became of a reading or of a request, over all roles, as OpenTelemetry spans.

    gateway   POST /processes/{id}/start        root, or child of the caller's ``traceparent``
    router    route heatpump-telemetry          root, or child of the reading's header ``traceparent``
      processor   start_process cooling         child of what sent the command
        action      mqtt_publish                child of the turn that asked for it
          processor   complete_activity         child of the action: ``wait_recheck`` begins to wait here
        projector   project process-events      child of the turn whose events it wrote
    processor   fire_timer cooling              a new trace; linked to the turn that began the waiting

**Off** (no ``WEIR_TRACES_ENDPOINT``), nothing of OpenTelemetry is imported: the processor is another class
(``partition``), and elsewhere it is one ``is None``.

**Between roles** the context is the header ``traceparent`` (W3C Trace Context) of commands and events.  An action
passes it on: ``http_request`` as the HTTP header, ``emit`` as the record's.  MQTT 3.1.1, which Weir speaks, has no
place for it.

**Ids are derived** from what a span is about, so that work which is repeated gives the same span, and not a second one:
a turn from the first event's (subject, seq, cause), an action from (idempotency key, attempt), a routed reading from
its offset, a projection from the turn and the first offset.  Only a request to the gateway is nobody's repetition.
Spans are exported once their work is committed or acknowledged; those of a transaction that was aborted, never.

**Over waits**: a turn is the child of what sent its command, else it begins a trace; in both cases it is linked to the
turns that began the waits which it ends.  Their contexts are the soft record ``trace:<instance>`` of the processor's
table, written in the turn's transaction, so that they move with the partition.  The core knows nothing of it, no event
and no state holds it, and after ``weir replay --state`` only links are missing.  It cannot be derived: a caller has
chosen the trace id.

**Sampling** is the parent's, by its flag; of a trace that begins, by ``WEIR_TRACES_RATIO`` and the trace id, as
OpenTelemetry's TraceIdRatioBased does.  A timer goes on as what it is linked to; where nothing is known, the instance's
id decides, so that an instance is followed or is not.
"""
