"""Services that end by themselves are back as they were; what a command has stopped, or is busy with, stays so."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.test_supervisor import is_back, pid_of, spec, status_of, until
from weir.stack.backoff import FIRST_S
from weir.stack.process import Processes, ProcessSpec
from weir.stack.progress import silent
from weir.stack.services import Services
from weir.stack.stack import Stack
from weir.stack.state import find_marked
from weir.stack.supervisor import NAME

SERVES = """
import os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
print(os.environ["COLOUR"], os.getcwd(), flush=True)
Path("ready").write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack whose services are ours: a supervisor, a worker, and what a test starts."""
    stack = Stack(tmp_path / "home")
    yield stack
    stack.down()


def start(stack: Stack, name: str = "broker", code: str = SERVES, *, kept: bool = True) -> int:
    folder = stack.home / name
    folder.mkdir(parents=True, exist_ok=True)
    service = ProcessSpec(
        name,
        (sys.executable, "-c", code),
        env={"COLOUR": "green"},
        cwd=folder,
        ready_file=folder / "ready",
        stop_signal=signal.SIGINT,
        kept=kept,
    )
    stack.start_process(service)
    return pid_of(stack, name)


def supervise(stack: Stack) -> None:
    stack.supervise([spec(stack, "processor")])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_service_that_ends_is_back_as_it_was(stack: Stack, number: signal.Signals) -> None:
    first = start(stack)
    supervise(stack)
    os.kill(first, number)
    until(lambda: is_back(stack, "broker", first), "the restart")
    until(lambda: stack.log_path("broker").read_text().count("\n") == 2, "what it says")
    assert stack.log_path("broker").read_text() == f"green {stack.home / 'broker'}\n" * 2
    now = status_of(stack, "broker")
    assert (now.restarts, now.last_end) == (1, "an unknown exit code")  # it was the command's child
    assert now.last_end_at is not None
    os.kill(pid_of(stack, "broker"), signal.SIGKILL)
    until(lambda: status_of(stack, "broker").restarts == 2, "another restart")
    assert status_of(stack, "broker").last_end == "SIGKILL"
    stack.down()
    assert find_marked(stack.home) == {}


def test_what_is_not_to_be_kept_stays_dead(stack: Stack) -> None:
    other, service = start(stack, "cache", kept=False), start(stack)
    supervise(stack)
    os.kill(other, signal.SIGKILL)
    os.kill(service, signal.SIGKILL)
    until(lambda: is_back(stack, "broker", service), "the restart")
    assert status_of(stack, "cache").state == "dead"


def test_a_service_that_was_stopped_stays_stopped(stack: Stack) -> None:
    start(stack, "cache")
    service = start(stack)
    supervise(stack)
    stack.stop_process("cache")
    os.kill(service, signal.SIGKILL)
    until(lambda: is_back(stack, "broker", service), "the restart")
    assert "cache" not in [one.name for one in stack.status()]
    assert "cache" not in find_marked(stack.home)


def test_while_a_command_is_at_work_services_are_its_business(stack: Stack) -> None:
    first = start(stack)
    processes = Processes(stack.home)
    said: list[str] = []
    services = Services(stack.home, processes, said.append)
    os.kill(first, signal.SIGKILL)
    until(lambda: status_of(stack, "broker").state == "dead", "its end")
    with processes.state.lock(silent):
        services.step()
        assert status_of(stack, "broker").state == "dead"
    services.step()
    assert is_back(stack, "broker", first)
    assert said == [
        f"broker: ENDED with an unknown exit code, pid {first}; started again at once",
        f"broker: started again, pid {pid_of(stack, 'broker')}",
    ]


def test_one_that_always_fails_is_tried_for_ever_and_not_in_a_tight_loop(stack: Stack) -> None:
    first = start(stack)
    supervise(stack)
    (stack.home / "broker" / "ready").unlink()
    (stack.home / "broker" / "ready").mkdir()  # it cannot write there any more
    began = time.monotonic()
    os.kill(first, signal.SIGKILL)
    until(lambda: status_of(stack, "broker").restarts >= 3, "three starts")
    assert time.monotonic() - began > FIRST_S
    until(lambda: "IsADirectoryError" in status_of(stack, "broker").detail, "its last words")
    ends = [line for line in stack.log_path(NAME).read_text().splitlines() if "broker: ENDED" in line]
    assert ends[0].endswith("at once")
    assert "ENDED with exit code 1," in ends[2]
    assert ends[2].rpartition("started again ")[2].startswith("in ")
