"""The faults, one file a kind and a line here."""

from tests.chaos.faults import (
    clock,
    freeze,
    inbox,
    join,
    kafka_freeze,
    kafka_kill,
    kill_host,
    leave,
    mqtt_drop,
    postgres_stop,
    restart,
    sessions,
)
from tests.chaos.faults.base import ANY, ROLES, Fault
from tests.chaos.faults.kill import kill
from tests.chaos.faults.network import strike_slow, unreachable
from tests.chaos.faults.zombie import zombie

PIPELINE = ("processor", "actions", "router")
OF_DATABASE = ("projector", "station")

FAULTS: dict[str, Fault] = {
    **{f"kill-{role}": Fault((role,), kill(role)) for role in ROLES},
    **{f"zombie-{role}": Fault((role,), zombie(role)) for role in ROLES if role != "bridge"},
    "kill-host": Fault(ANY, kill_host.strike),
    "freeze": Fault(ANY, freeze.strike),
    "restart": Fault(ANY, restart.strike),
    "join": Fault(("processor",), join.strike),
    "leave": Fault(ANY, leave.strike),
    "kafka-kill": Fault(PIPELINE, kafka_kill.strike),
    "kafka-freeze": Fault(PIPELINE, kafka_freeze.strike),
    "kafka-unreachable": Fault(PIPELINE, unreachable("kafka")),
    "postgres-stop": Fault(OF_DATABASE, postgres_stop.strike),
    "postgres-unreachable": Fault(OF_DATABASE, unreachable("postgres")),
    "sessions": Fault(OF_DATABASE, sessions.strike),
    "mqtt-drop": Fault(("bridge", "actions"), mqtt_drop.strike),
    "mqtt-unreachable": Fault(("bridge", "actions"), unreachable("mqtt")),
    "slow-network": Fault(ANY, strike_slow),
    "inbox": Fault(("projector",), inbox.strike),
    "clock": Fault(ANY, clock.strike),
}

__all__ = ["FAULTS", "Fault"]
