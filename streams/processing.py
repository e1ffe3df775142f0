"""One batch of one partition: commands and due timers in, everything that one Kafka transaction must hold out.

    records ─► decode ─┬─ bad ───────────────────► dead letter
                       ├─ of another partition ──► forwarded
                       └─► decide ─┬─ refused ───► rejection
                                   ├─ raises ────► once more; then dead letter, and the instance fails;
                                   │               a timer of what cannot fail is put off
                                   └─ events, states, soft records

Nothing here waits or touches Kafka, so that the same code runs under a simulated broker and a virtual clock.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import orjson
import structlog

from streams.codec import (
    BadRecordError,
    IntegerError,
    LimitError,
    UpgradeError,
    decode_entity,
    decode_window,
    plain_text,
)
from streams.core.clock import PlantClock
from streams.core.commands import AlignWindow, AnyCommand, StartProcess, TopicCommand
from streams.core.decide import OF_KEY, decide, home_of
from streams.core.decide.fire_timer import is_awaited
from streams.core.decide.refused import follow_up_of
from streams.core.due import Timer
from streams.core.flow import ends
from streams.core.patterns import Window
from streams.core.process import Process
from streams.core.state import BROKEN, LATEST_PREFIX, TRACE_PREFIX, WINDOW_PREFIX, Entity, Feed, Instance
from streams.core.turn import Overlay, Reading, Rejection, Surroundings, Turn
from streams.endings import Endings, may_be_forgotten
from streams.incoming import Decoded, Definitions, decode_records, lacks_definition, stale
from streams.outcome import Outcome
from streams.put_off import PutOff
from streams.records import Record
from streams.staging import (
    Source,
    Transaction,
    hops_of,
    stage_answer,
    stage_dead_letter,
    stage_forward,
    stage_rejection,
    stage_turn,
)
from streams.timers import TimerBackend, Timers
from streams.topics import Topics
from streams.windows import Unaligned

MAX_HOPS = 32
LATEST, TRACE, WINDOW = LATEST_PREFIX.encode(), TRACE_PREFIX.encode(), WINDOW_PREFIX.encode()
MAX_TIMERS_A_BATCH = 1_000
ROUNDING_MS = 0.1
"""So much later than a timer's moment it is due, however seconds and milliseconds are rounded."""

__all__ = ["PartitionProcessor", "decode_records"]

log = structlog.get_logger("weir.processor")


class PartitionProcessor:
    """The processor's work on one partition, and the little it remembers between batches."""

    def __init__(
        self,
        partition: int,
        topics: Topics,
        definitions: Definitions,
        clock: PlantClock,
        mark_ttl_ms: int,
        table: Iterable[tuple[bytes, bytes]] = (),
        timers: Callable[[], TimerBackend] = Timers,
    ) -> None:
        """``table`` holds the partition's records: what waits and what may be forgotten is built from them.

        ``mark_ttl_ms`` is how long a finished instance is remembered, in milliseconds of plant time.  ``timers`` makes
        what finds those that are due.
        """
        self.timers = timers()
        self.put_off = PutOff()
        self._endings = Endings(mark_ttl_ms)
        self._unaligned = Unaligned(definitions.active())
        self._untraced: list[bytes] = []
        """What ``streams.tracing.waits`` has left from a time when the plant was traced."""
        for key, value in table:
            if key.startswith(WINDOW):
                window = decode_window(value)
                self.timers.restore(window)
                self._unaligned.restore(window)
            elif key.startswith(TRACE):
                self._untraced.append(key)
            elif not key.startswith((LATEST, b"\x00")):
                entity = decode_entity(value)  # one at a time: decoded, a table takes three times its room
                self.timers.restore(entity)
                self._endings.restore(key.decode(), entity)
        self._endings.sort()
        self._unaligned.complete(partition, topics.partitions)
        self._topics = topics
        self._clock = clock
        self._definitions = definitions
        self._txn: Transaction | None = None
        self._outcome = Outcome()
        self._wall_ms, self._now = 0.0, 0
        self._around = Surroundings(
            partition=partition,
            partitions=topics.partitions,
            commands_topic=topics.commands.name,
            telemetry_topics=frozenset(topics.telemetry),
            process=definitions.get,
            latest=self._latest,
            window=self._window,
            inactive=definitions.inactive,
            started_by=self._started_by,
            action_time=clock.factor,
            mqtt_routes=topics.mqtt_routes,
        )

    def wake_at(self) -> float | None:
        """Wall time (Unix seconds) at which there is something to do without a command; 0 for at once."""
        if self._unaligned:
            return 0.0
        due, again = self.due_at(), self.put_off.next_due()
        return due if again is None else min(again / 1000, math.inf if due is None else due)

    def due_at(self) -> float | None:
        """Wall time (Unix seconds) at which the earliest timer is due, for certain; but for those that are put off."""
        due = self.timers.next_due()
        return None if due is None else (self._clock.wall_ms(due) + ROUNDING_MS) / 1000

    def lacks_definition(self, decoded: Iterable[Decoded]) -> bool:
        """Whether a start names a version that is not known here yet, or wants the newest, which may not be."""
        return lacks_definition(decoded, self._definitions)

    def process(self, decoded: Sequence[Decoded], txn: Transaction, now_ms: float, *, caught_up: bool) -> Outcome:
        """Put the outcome of a batch into ``txn``; call ``committed`` with the result once that has committed.

        ``now_ms`` is wall time; ``caught_up`` tells that every command of an earlier time is in this batch or done.
        Where that is not known only timers that are due before the batch's last command fire: later ones must not
        overtake the commands that are still to come.
        """
        self._txn = txn
        self._outcome = Outcome()
        self._wall_ms = now_ms
        self.timers.give_back()
        now = self._now = self._clock.plant_ms(now_ms)
        self._around.opened_ms = self._around.opened_ms or now
        horizon = now if caught_up or not decoded else self._clock.plant_ms(decoded[-1][0].timestamp)
        timers = iter(self.timers.due(horizon, MAX_TIMERS_A_BATCH))
        timer = next(timers, None)
        for record, command in decoded:
            time = self._clock.plant_ms(record.timestamp)
            while timer is not None and timer.due_ms < time:
                self._fire(timer, time)
                timer = next(timers, None)
            self._take(record, command, time)
        while timer is not None:
            self._fire(timer, max(timer.due_ms, horizon))
            timer = next(timers, None)
        for again in self.put_off.due(now_ms, horizon, MAX_TIMERS_A_BATCH):
            self._fire(again, horizon)
        for align in self._unaligned.take():
            self._align(align, now)
        self._forget(now)
        self._txn = None
        return self._outcome

    def committed(self, outcome: Outcome) -> None:
        """The batch has committed."""
        self.timers.settled(self.put_off.settled(outcome.timers, outcome.raised, self._wall_ms))
        self._unaligned.settled()
        self._endings.forgotten()
        self._untraced.clear()
        for ended_at, instance_id, event_type in outcome.ended:
            self._endings.add(ended_at, instance_id, failed=event_type in {"failed", "timed_out"})
        for event in outcome.messages:
            log.info(event.message, instance=event.subject, definition=event.definition_id, activity=event.activity_id)

    # ---- one record

    def _take(self, record: Record, command: TopicCommand | BadRecordError, time: int) -> None:
        self._outcome.counts.commands += 1
        if isinstance(command, BadRecordError):
            self._bury(record, str(command))
            return
        try:
            home = home_of(command, self._around.partitions)
        except ValueError as error:
            self._reject(record, command, Rejection("invalid_target", str(error)), time)
            return
        if home is not None and home != self._around.partition:
            self._forward(record, command, home, time)
            return
        if (late := stale(command, self._now)) is not None:
            self._reject(record, command, late, time)
            return
        try:
            turn = self._attempt(command, time, record.offset)
        except LimitError as error:
            self._refuse_limit(record, command, error, time)
            return
        except UpgradeError:
            raise
        except Exception as error:
            log.exception("a command raised twice", partition=self._around.partition, offset=record.offset)
            reason = f"{type(error).__name__}: {error}"
            self._bury(record, reason)
            self._tell_refused(record, command, Rejection("incident", reason))
            self._condemn(_target(command), time, record.offset, "incident", reason)
            return
        if turn.rejection is not None:
            self._reject(record, command, turn.rejection, time)

    def _fire(self, timer: Timer, time: int) -> None:
        outcome = self._outcome
        outcome.counts.timers += 1
        outcome.fired.append(timer.due_ms)
        try:
            turn = self._attempt(timer.command(), time, None)
        except UpgradeError:
            raise
        except Exception as error:
            log.exception("a timer raised twice", instance=timer.subject, place=timer.place, purpose=timer.purpose)
            kind = "limit" if isinstance(error, LimitError) else "incident"
            if not self._condemn(timer.subject, time, None, kind, f"{type(error).__name__}: {error}"):
                outcome.raised.append((len(outcome.timers), timer))
            return
        if not is_awaited(turn, timer):
            return
        if turn.events or turn.windows.changed:  # what comes next comes at the same moment
            outcome.timers.append(([timer], [timer]))
        else:
            log.error("a timer did nothing", instance=timer.subject, place=timer.place, purpose=timer.purpose)
            outcome.raised.append((len(outcome.timers), timer))

    def _align(self, align: AlignWindow, now: int) -> None:
        """A window that cannot be looked at stays as it is until a reading comes."""
        try:
            self._turn(align, now, None)
        except UpgradeError:
            raise
        except Exception:
            log.exception("a pattern's window cannot be looked at", record=align.record)

    def _attempt(self, command: AnyCommand, time: int, offset: int | None) -> Turn:
        """Decide and encode; once more if that raises, since only what raises again is the command's own fault."""
        try:
            return self._turn(command, time, offset)
        except (LimitError, UpgradeError):
            raise
        except Exception:
            log.warning("a command raised, once more", offset=offset, exc_info=True)
            return self._turn(command, time, offset)

    def _turn(self, command: AnyCommand, time: int, offset: int | None) -> Turn:
        turn = Turn(self._around, Overlay(self._load), time, offset)
        decide(turn, command)
        self._keep(turn)
        return turn

    def _keep(self, turn: Turn) -> None:
        """Give a turn to the transaction, and note what the partition must remember of it."""
        stage_turn(turn, self._topics).commit_to(self._writing)
        self._outcome.note(turn)

    # ---- what cannot be decided here

    def _reject(self, record: Record, command: TopicCommand, rejection: Rejection, time: int) -> None:
        self._outcome.counts.rejected += 1
        stage_rejection(rejection, command, self._source(record), time).commit_to(self._writing)
        self._tell_refused(record, command, rejection)

    def _tell_refused(self, record: Record, command: TopicCommand, rejection: Rejection) -> None:
        """Tell whoever waits for what the command would have done."""
        if (follow_up := follow_up_of(command, rejection)) is not None:
            stage_answer(follow_up, self._source(record), self._around).commit_to(self._writing)

    def _bury(self, record: Record, reason: str) -> None:
        self._outcome.counts.dead += 1
        stage_dead_letter(reason, self._source(record), int(self._wall_ms)).commit_to(self._writing)

    def _forward(self, record: Record, command: TopicCommand, home: int, time: int) -> None:
        hops = hops_of(record)
        if hops >= MAX_HOPS:
            message = (
                f"Forwarded {hops} times without reaching partition {home}: do all workers agree on the partitions?"
            )
            self._reject(record, command, Rejection("too_many_hops", message), time)
            return
        self._outcome.counts.forwarded += 1
        stage_forward(home, hops + 1, self._source(record)).commit_to(self._writing)

    def _source(self, record: Record) -> Source:
        return Source(record, self._around.partition, self._topics)

    def _refuse_limit(self, record: Record, command: TopicCommand, error: LimitError, time: int) -> None:
        """What the command leads to is too large: it is refused, and the instance it would have overfilled fails."""
        self._reject(record, command, Rejection("limit", str(error), _target(command)), time)
        if not isinstance(command, StartProcess) and not isinstance(error, IntegerError):
            self._condemn(_target(command), time, record.offset, "limit", str(error))

    def _condemn(self, instance_id: str | None, time: int, offset: int | None, error_type: str, error: str) -> bool:
        """Fail the instance whose command cannot be carried out, so that somebody sees it; whether that was done."""
        if instance_id is None:
            return False
        try:
            turn = Turn(self._around, Overlay(self._load), time, offset)
            instance = turn.instance(instance_id)
            if instance is None or instance.status != "running":
                return False
            ends.fail(turn, instance, error_type, plain_text(error), None)
            self._keep(turn)
        except UpgradeError:
            raise
        except Exception:
            log.exception("an instance cannot even fail", partition=self._around.partition, instance=instance_id)
            return False
        return True

    # ---- the table

    @property
    def _writing(self) -> Transaction:
        assert self._txn is not None
        return self._txn

    def _load(self, entity_id: str) -> Entity | None:
        raw = self._writing.get(entity_id.encode())
        return None if raw is None else decode_entity(raw)

    def _latest(self, feed: Feed) -> Reading | None:
        raw = self._writing.get(feed.record.encode())
        return None if raw is None else orjson.loads(raw)

    def _window(self, record: str) -> Window | None:
        raw = self._writing.get(record.encode())
        return None if raw is None else decode_window(raw)

    def _started_by(self, message: str) -> list[Process]:
        return [process for process in self._definitions.active() if message in process.messages]

    def _forget(self, now: int) -> None:
        """Drop marks of instances that ended long ago, and what nobody reads any more."""
        for key in self._untraced:
            del self._writing[key]
        for entity_id in self._endings.take(now):
            entity = self._load(entity_id)
            if may_be_forgotten(entity, now):
                del self._writing[entity_id.encode()]
            elif isinstance(entity, Instance) and entity.status in BROKEN:
                self._endings.add(entity.updated_at, entity_id, failed=True)


def _target(command: TopicCommand) -> str | None:
    """The instance that a command is carried out on; not that which it only names."""
    return None if type(command) in OF_KEY else getattr(command, "instance_id", None)
