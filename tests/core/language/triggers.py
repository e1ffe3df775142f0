"""Triggers: for each type its own fields; ``trigger`` adds what all have."""

from collections.abc import Callable
from typing import Any

from tests.core.language.making import DURATIONS, Making

WITHOUT_READINGS = frozenset({"api", "timer", "message"})
"""No variable of a process with one of these has its source in a reading."""
TOPIC = "heatpump-telemetry"
Made = dict[str, Any]
CONDITIONS = ("fields.x > 1", "fields.x < 9", "tags.mode == 'a'")


def _conditions(at: Making) -> Made:
    return at.one([{}, {"condition": at.one(CONDITIONS)}, {"all": list(CONDITIONS[:2])}, {"any": list(CONDITIONS)}])


def redpanda(at: Making) -> Made:
    key = at.one([{}, {"key": "tags.room"}])
    return {"topic": TOPIC, "priority": at.number(0, 2), "max_age": at.one(DURATIONS), **_conditions(at), **key}


def mqtt(at: Making) -> Made:
    return {"topic": at.one(["plant/+/state", "plant/#"]), **_conditions(at)}


def timer(at: Making) -> Made:
    when = at.one([{"every": "15m"}, {"every": "1h", "offset": "5m", "jitter": "1m"}, {"cron": "0 6 * * 1-5"}])
    if at.maybe():
        when = {"at": at.one(["22:00", "2013-12-11T06:00"]), "time_zone": "Europe/Berlin"}
    return when | {"catch_up": at.one(["none", "last", "all"])}


def database(at: Making) -> Made:
    made: Made = {"query": "SELECT id, x FROM t WHERE x > :x", "params": {"x": 1}, "every": "1m"}
    return made | {"watermark": at.one(["id", ["id", "x"]]), "start": at.one(["now", "beginning"])}


def pattern(at: Making) -> Made:
    condition = {"condition": "fields.x > 1"}
    form: Made = at.one(
        [
            {"for": "5m", "re_alarm": "1h", **condition},
            {"count": 3, "within": "10m", **condition},
            {"sequence": ["fields.x > 1", "fields.x < 1"], "within": "10m"},
            {"absent": "2m"},
            {"deadband": {"value": "fields.x", "on": 3, "off": 1}, "off_delay": "1m"},
        ]
    )
    return {"topic": TOPIC, **form, **at.one([{}, {"lateness": "1m"}])}


def message(at: Making) -> Made:
    return {"name": at.one(["go", "stop"])}


def _station(**fields: str) -> Callable[[Making], Made]:
    return lambda at: at.one([{}, {"config": {name: value for name, value in fields.items() if at.maybe()}}, fields])


TRIGGERS_MADE: dict[str, Callable[[Making], Made]] = {
    "redpanda": redpanda,
    "api": lambda _: {},
    "mqtt": mqtt,
    "timer": timer,
    "database": database,
    "pattern": pattern,
    "message": message,
    "zone_entry": _station(zone_id="z", group_id="day"),
    "zone_exit": _station(zone_id="z", user_id="anna"),
    "alert_created": _station(severity="error"),
    "alert_acknowledged": _station(alert_key="k"),
    "alert_resolved": _station(alert_key="k", zone_id="z"),
    "message_received": _station(contains="a", pattern="a+"),
    "bot_trigger_fired": _station(bot_id="b", trigger="t"),
    "user_online": _station(user_id="anna"),
    "user_offline": _station(group_id="day"),
    "user_registered": _station(),
    "user_group_changed": _station(group_id="day", change="added"),
}


def trigger(at: Making, mode: Made) -> Made:
    """One of any type, of this mode."""
    kind = at.one(list(TRIGGERS_MADE))
    made = {"type": kind, **TRIGGERS_MADE[kind](at), **mode}
    return made | ({"cooldown": "5m"} if at.number(0, 3) == 3 else {})


def mode(at: Making) -> Made:
    """What the triggers of a process have in common."""
    chosen = at.one(["single", "parallel", "restart", "queued"])
    return {"mode": chosen, **({"max": 2} if chosen in ("parallel", "queued") and at.maybe() else {})}
