"""Planted bugs: one thing of production code broken at a time, each of which the checks must find.

Each is a context manager that patches production code, by a file for each role; ``MUTATIONS`` is the list.  What runs
it (a simulation, a test) enters it around a whole run, which must then end with a difference, or not come to rest.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.mutations import actions, bridge, core, patterns, processor, projector, router, station, transport

Mutation = Callable[[], AbstractContextManager[None]]

MUTATIONS: dict[str, Mutation] = {
    "skip the seek": transport.skip_the_seek,
    "apply a command twice": transport.begin_too_early,
    "events before the changelog": transport.events_before_the_changelog,
    "group offset before the commands": transport.offset_before_the_outputs,
    "no fencing": transport.no_fencing,
    "recover before fencing": transport.recover_before_fencing,
    "begin a table with what comes": transport.begin_with_what_comes,
    "pass over gaps of a changelog": transport.pass_over_gaps,
    "recovered before it is read": transport.recovered_before_it_is_read,
    "lose timers on takeover": processor.lose_timers_on_takeover,
    "timers early": processor.timers_early,
    "timers overtake commands": processor.timers_overtake_commands,
    "write events twice": processor.write_events_twice,
    "forward twice": processor.forward_twice,
    "drop rejections": processor.drop_rejections,
    "drop dead letters": processor.drop_dead_letters,
    "forget a state": processor.forget_a_state,
    "deliver a signal twice": core.deliver_a_signal_twice,
    "keep early signals": core.keep_early_signals,
    "fire timers twice": core.fire_twice,
    "another idempotency key each time": core.another_idempotency_key,
    "forget starts of the clock": core.forget_starts_of_the_clock,
    "lose a pattern's silence on takeover": patterns.lose_silence_on_takeover,
    "count a reading again": patterns.count_again,
    "keep no firing of a pattern": patterns.keep_no_firing,
    "swallow an action's error": actions.swallow_an_error,
    "position ahead of the answers": actions.position_ahead_of_the_answers,
    "answer what is not performed": actions.answer_what_is_not_performed,
    "count answers before Kafka has them": actions.answers_count_before_kafka_has_them,
    "acknowledge MQTT early": bridge.acknowledge_early,
    "project without the position": projector.project_without_the_position,
    "project as nobody's owner": projector.project_without_ownership,
    "position before the rows": projector.position_before_the_rows,
    "forget whose a task is": projector.forget_whose_a_task_is,
    "forget when activities began": projector.forget_when_activities_began,
    "skip the last reading": router.skip_the_last_reading,
    "route a reading again": router.route_the_last_reading_again,
    "take in the position before the rows": station.position_before_the_rows,
    "take in as nobody's owner": station.nobodys_partitions,
    "take in again what a broken commit has taken in": station.take_in_again,
    "forget who is inside on takeover": station.forget_who_is_inside_on_takeover,
    "events of the station outside the transaction": station.events_outside_the_transaction,
    "relay the outbox again": station.relay_again,
    "empty the outbox before Kafka has it": station.delete_before_kafka_has_it,
    "no fencing of the relay": station.no_fencing_of_the_relay,
}
"""By what is broken."""
