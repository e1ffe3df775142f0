"""Every metric that a role may expose.  A sample of any other name is an error."""

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """``help`` is for people; a counter's name ends in ``_total``; times are seconds.

    A histogram is exposed as ``_bucket`` (with ``le``), ``_count`` and ``_sum``.
    """

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


METRICS: dict[str, Metric] = {
    # ---- every role
    "weir_role_info": Metric("gauge", "1; which role of which application this process is", ("role", "app")),
    "weir_role_up": Metric("gauge", "1 when /health says 200, else 0"),
    "weir_role_restarts_total": Metric(
        "counter", "Times that the supervisor started this worker again, and how it ended last", ("last_end",)
    ),
    # ---- every role that reads topics
    "weir_partitions_assigned": Metric("gauge", "Partitions that this process works on", ("topic",)),
    "weir_lag_records": Metric(
        "gauge", "Offsets from the position to the end of what is committed", ("topic", "partition")
    ),
    "weir_lag_seconds": Metric("gauge", "Age of the oldest record of the batch that runs", ("topic", "partition")),
    "weir_records_total": Metric("counter", "Records whose batch is done"),
    "weir_batches_total": Metric("counter", "Batches done"),
    "weir_batch_reruns_total": Metric("counter", "Batches that failed the first time and ran once more"),
    "weir_transactions_total": Metric("counter", "Kafka transactions committed"),
    "weir_outputs_total": Metric("counter", "Records written in transactions"),
    "weir_batch_seconds": Metric("histogram", "From the moment a batch was handed out until it was done"),
    "weir_transaction_seconds": Metric("histogram", "What Kafka took for a transaction"),
    "weir_reseeks_total": Metric("counter", "Fetches that did not begin where the last one ended"),
    "weir_missing_offsets_total": Metric("counter", "Partitions that started at the latest offset for want of one"),
    "weir_stalls_total": Metric("counter", "Times that a partition with records did not move for long"),
    "weir_standstills_total": Metric(
        "counter", "Times that something stood still for long: stalls, late timers, slow commits and more", ("kind",)
    ),
    # ---- router
    "weir_router_readings_total": Metric("counter", "Readings routed"),
    "weir_router_starts_total": Metric("counter", "Commands to start a process"),
    "weir_router_observations_total": Metric("counter", "Commands that carry a reading to what follows it"),
    "weir_router_shown_total": Metric("counter", "Commands that carry a reading to a pattern"),
    "weir_router_stale_total": Metric("counter", "Readings too old to start the process they would have started"),
    "weir_router_absent_total": Metric("counter", "Conditions that were false for want of a field"),
    "weir_router_dead_letters_total": Metric("counter", "Records that are no readings, or fail an expression"),
    # ---- processor
    "weir_processor_commands_total": Metric("counter", "Commands decided"),
    "weir_processor_events_total": Metric("counter", "Events written"),
    "weir_processor_rejections_total": Metric("counter", "Commands refused"),
    "weir_processor_forwarded_total": Metric("counter", "Commands sent on to the partition of their instance"),
    "weir_processor_dead_letters_total": Metric("counter", "Records that are no commands, or raise twice"),
    "weir_processor_timers_fired_total": Metric("counter", "Timers fired"),
    "weir_processor_timer_lateness_seconds": Metric(
        "histogram", "How long after its moment a timer's outcome was committed"
    ),
    "weir_processor_late_readings_total": Metric("counter", "Readings that came too late for a pattern"),
    "weir_processor_timers_waiting": Metric("gauge", "Timers that wait"),
    "weir_processor_timers_overdue_seconds": Metric("gauge", "By how much the earliest timer is late; 0 when none is"),
    "weir_processor_timers_put_off": Metric("gauge", "Timers that raise, and are tried again later: see the log"),
    "weir_processor_commands_trimmed_total": Metric("counter", "Offsets of process-commands deleted, long processed"),
    # ---- action worker
    "weir_actions_answers_total": Metric("counter", "Requests answered, by what became of them", ("outcome",)),
    "weir_action_seconds": Metric("histogram", "What performing an action took", ("action", "outcome")),
    "weir_actions_running": Metric("gauge", "Actions that are being performed"),
    "weir_actions_pending": Metric("gauge", "Requests taken and not answered, running ones included"),
    "weir_actions_oldest_seconds": Metric("gauge", "Since the oldest request that is not answered was taken"),
    # ---- projector
    "weir_projector_refused_total": Metric("counter", "Records that became dead letters instead of rows"),
    "weir_projector_expired_chunks_total": Metric(
        "counter", "Chunks from which rows were removed that were kept for long enough", ("table",)
    ),
    "weir_projector_database_up": Metric("gauge", "0 while the projector waits for the database"),
    "weir_instance_seconds": Metric("histogram", "What completed instances took, in plant time", ("definition",)),
    "weir_activity_seconds": Metric(
        "histogram", "What activities took that waited or not, in plant time", ("definition", "activity")
    ),
    "weir_retention_margin_seconds": Metric(
        "gauge", "Until the oldest reading that is not projected may be deleted by its topic's retention", ("topic",)
    ),
    # ---- station
    "weir_station_positions_total": Metric("counter", "Positions of people taken in"),
    "weir_station_messages_total": Metric("counter", "Messages of people taken in"),
    "weir_station_moves_total": Metric("counter", "Times that somebody came into a zone or left it", ("direction",)),
    "weir_station_dead_letters_total": Metric("counter", "Records that are no position or message"),
    "weir_station_relayed_total": Metric("counter", "Records of the outbox that Kafka has"),
    # ---- bridge
    "weir_bridge_messages_total": Metric("counter", "MQTT messages, by what became of them", ("outcome",)),
    "weir_bridge_overflows_total": Metric("counter", "Times that the bridge left the broker, Kafka being behind"),
    "weir_bridge_under_way": Metric("gauge", "Messages that Kafka has not acknowledged yet"),
    "weir_bridge_oldest_seconds": Metric("gauge", "Since the oldest message under way arrived"),
    "weir_bridge_connected": Metric("gauge", "1 while the bridge is subscribed at the MQTT broker"),
    # ---- gateway: the whole plant, stopped roles included
    "weir_stage_lag_records": Metric("gauge", "Records that a stage has not processed", ("stage", "topic")),
    "weir_stage_lag_seconds": Metric("gauge", "Age of the oldest of them", ("stage", "topic")),
    "weir_api_requests_total": Metric("counter", "Requests answered, by route and HTTP status", ("route", "status")),
    "weir_api_request_seconds": Metric("histogram", "Until the answer began", ("route",)),
    "weir_instances": Metric("gauge", "Instances, by what has become of them", ("definition", "status")),
    "weir_incidents_open": Metric("gauge", "Incidents that nobody has resolved", ("definition",)),
    "weir_tasks_open": Metric("gauge", "Tasks that nobody has ended", ("definition", "status")),
}
