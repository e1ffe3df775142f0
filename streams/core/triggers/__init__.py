"""The kinds of trigger.  A new one is a file beside these and a line here; ``ALIASES`` are other names of a type."""

from streams.core.triggers.api import ApiTrigger
from streams.core.triggers.base import Mode, Trigger
from streams.core.triggers.compiled_pattern import CompiledPattern, compile_pattern
from streams.core.triggers.database import CompiledPoll, DatabaseTrigger, compile_poll
from streams.core.triggers.message import MessageTrigger
from streams.core.triggers.mqtt import MqttTrigger
from streams.core.triggers.pattern import PatternTrigger
from streams.core.triggers.redpanda import ReadingTrigger, RedpandaTrigger, TelemetryTrigger
from streams.core.triggers.station import STATION_TRIGGERS
from streams.core.triggers.timer import CompiledTimer, TimerTrigger, compile_timer

TRIGGERS: dict[str, type[Trigger]] = {
    "redpanda": RedpandaTrigger,
    "api": ApiTrigger,
    "mqtt": MqttTrigger,
    "timer": TimerTrigger,
    "database": DatabaseTrigger,
    "pattern": PatternTrigger,
    "message": MessageTrigger,
    **STATION_TRIGGERS,
}
ALIASES: dict[str, str] = {"event": "redpanda", "manual": "api", "schedule": "timer", "time_schedule": "timer"}

__all__ = [
    "ALIASES",
    "TRIGGERS",
    "ApiTrigger",
    "CompiledPattern",
    "CompiledPoll",
    "CompiledTimer",
    "DatabaseTrigger",
    "MessageTrigger",
    "Mode",
    "MqttTrigger",
    "PatternTrigger",
    "ReadingTrigger",
    "RedpandaTrigger",
    "TelemetryTrigger",
    "TimerTrigger",
    "Trigger",
    "compile_pattern",
    "compile_poll",
    "compile_timer",
]
