"""The ports of the embedded stack, and who holds one that is taken.

All are below 32768, where Linux begins to hand out ports for outgoing connections: one from that range may be taken by
any client on the machine at the moment a service wants it.
"""

import random
import socket
from dataclasses import dataclass

import psutil

from weir.stack.errors import StackError

LOCALHOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1."""

    kafka: int = 19092
    kafka_controller: int = 19093
    postgres: int = 25432
    mqtt: int = 18830
    api: int = 18080


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: ignores connections in TIME_WAIT
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
    return True


def free_port_numbers(count: int, low: int, high: int) -> list[int]:
    """``count`` different free ports of ``low`` to ``high``; at random: two runs at once seldom choose the same."""
    found: list[int] = []
    candidates = random.sample(range(low, high + 1), high - low + 1)
    for port in candidates:
        if is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise StackError(
        f"Expected {count} free ports between {low} and {high}, but found {len(found)}.",
        "Stop what listens there (`ss -ltnp` shows it) or choose another range.",
    )


def free_ports(low: int, high: int) -> Ports:
    """Free ports for a whole stack."""
    return Ports(*free_port_numbers(5, low, high))


def holder(port: int) -> psutil.Process | None:
    """The process that listens on the port, or ``None`` when it is not visible to this user."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid is not None:
            try:
                return psutil.Process(connection.pid)
            except psutil.NoSuchProcess:
                return None
    return None


def describe_holder(port: int) -> str:
    """Who holds the port, in words for an error message."""
    process = holder(port)
    if process is None:
        return "a process of another user"
    try:
        return f"{process.name()} (pid {process.pid}, user {process.username()})"
    except psutil.Error:
        return f"pid {process.pid}"


def check_free(service: str, port: int) -> None:
    """Raise a ``StackError`` that names the holder when the port is taken."""
    if not is_free(port):
        raise StackError(
            f"Expected port {port} to be free for {service}, but {describe_holder(port)} listens on it.",
            f"Stop that process, or give {service} another port (`weir up --{service}-port N`).",
        )
