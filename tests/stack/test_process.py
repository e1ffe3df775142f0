"""Processes: detached, logged, found again, and never mistaken for another."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from weir.stack.errors import StackError
from weir.stack.ports import free_port_numbers
from weir.stack.process import ProcessSpec
from weir.stack.stack import Stack
from weir.stack.state import Record, StateFile

SLEEPER = (sys.executable, "-c", "import time; print('hello from the role', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack without services: only processes."""
    stack = Stack(tmp_path / "home")
    yield stack
    stack.down()


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


def status_of(stack: Stack, name: str):
    return next(one for one in stack.status() if one.name == name)


def test_a_role_runs_detached_with_a_log_and_stops(stack: Stack):
    stack.start_process(ProcessSpec("router", SLEEPER, url="http://127.0.0.1:1"))
    status = status_of(stack, "router")
    assert status.state == "running"
    assert status.pid is not None
    assert os.getsid(status.pid) == status.pid
    assert status.url == "http://127.0.0.1:1"
    assert 0 <= status.uptime_s < 60
    until(lambda: "hello from the role" in stack.log_path("router").read_text())
    assert status_of(stack, "router").memory_mb > 1

    stack.start_process(ProcessSpec("router", SLEEPER))
    assert status_of(stack, "router").pid == status.pid

    stack.stop_process("router")
    assert not psutil.pid_exists(status.pid)
    assert [one.name for one in stack.status()] == ["kafka", "postgres", "mqtt"]


def test_another_command_sees_and_stops_the_role(stack: Stack):
    stack.start_process(ProcessSpec("router", SLEEPER))
    pid = status_of(stack, "router").pid
    other = Stack(stack.home)
    assert status_of(other, "router").pid == pid
    other.down()
    assert status_of(stack, "kafka").state == "stopped"
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_what_died_is_told_and_started_again(stack: Stack):
    stack.start_process(ProcessSpec("router", SLEEPER))
    first = status_of(stack, "router").pid
    until(lambda: stack.log_path("router").read_text())
    os.kill(first, signal.SIGKILL)
    until(lambda: status_of(stack, "router").state == "dead")
    assert status_of(stack, "router").detail == "hello from the role"
    stack.start_process(ProcessSpec("router", SLEEPER))
    assert status_of(stack, "router").state == "running"
    assert status_of(stack, "router").pid != first


def test_a_recycled_pid_is_never_signalled(stack: Stack):
    """The record names a pid that lives, but in a process that began at another time."""
    stack.home.mkdir()
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        created = psutil.Process(stranger.pid).create_time() - 5
        StateFile(stack.home).add(Record(name="router", pid=stranger.pid, created=created, argv=list(SLEEPER)))
        assert status_of(stack, "router").state == "dead"
        stack.down()
        assert stranger.poll() is None
        stranger.kill()


def test_down_stops_only_what_was_started_here(stack: Stack, tmp_path: Path):
    neighbour = Stack(tmp_path / "neighbour")
    neighbour.start_process(ProcessSpec("router", SLEEPER))
    stack.start_process(ProcessSpec("router", SLEEPER))
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        stack.down()
        assert stranger.poll() is None
        assert status_of(neighbour, "router").state == "running"
        stranger.kill()
    neighbour.down()


def test_a_process_without_a_record_is_found_again(stack: Stack):
    """The command was killed between the start of the process and the writing of its record."""
    stack.start_process(ProcessSpec("router", SLEEPER))
    pid = status_of(stack, "router").pid
    (stack.home / "state.json").unlink()
    stack.start_process(ProcessSpec("router", SLEEPER))
    assert status_of(stack, "router").pid == pid
    (stack.home / "state.json").unlink()
    stack.down()
    assert not psutil.pid_exists(pid)


def test_a_process_whose_start_time_shifted_is_stopped_all_the_same(stack: Stack):
    """The machine's clock was set: start times, which count from it, moved."""
    stack.start_process(ProcessSpec("router", SLEEPER))
    file = StateFile(stack.home)
    record = file.read().processes["router"]
    file.add(msgspec.structs.replace(record, created=record.created - 3600))
    stack.down()
    assert not psutil.pid_exists(record.pid)


def test_a_process_that_will_not_stop_is_killed_and_that_is_told(stack: Stack):
    stack.start_process(ProcessSpec("router", STUBBORN, stop_timeout_s=0.3))
    pid = status_of(stack, "router").pid
    until(lambda: "ready" in stack.log_path("router").read_text())
    told: list[str] = []
    stack.stop_process("router", lambda step, _share: told.append(step))
    assert not psutil.pid_exists(pid)
    assert told == ["stopping router", "router did not stop within 0 s: killing it"]


def test_the_last_started_stops_first(stack: Stack):
    for name in ("processor", "router", "bridge"):
        stack.start_process(ProcessSpec(name, SLEEPER))
    told: list[str] = []
    stack.down(lambda step, _share: told.append(step))
    assert told == ["stopping bridge", "stopping router", "stopping processor"]


def test_a_process_that_ends_at_once_shows_its_last_words(stack: Stack):
    argv = (sys.executable, "-c", "raise SystemExit('no such topic: heatpump-telemetry')")

    def never() -> str:
        raise ConnectionError("not yet")

    with pytest.raises(StackError, match="router ended while it started") as caught:
        stack.start_process(ProcessSpec("router", argv, ready=never))
    assert "no such topic: heatpump-telemetry" in caught.value.message
    assert "weir logs router" in caught.value.hint


def test_the_detail_of_a_dead_process_is_what_it_raised(stack: Stack):
    trace = "ERROR fatal\njava.lang.RuntimeException: no such node\n\tat kafka.Kafka.main(Kafka.scala)\n"
    stack.start_process(ProcessSpec("router", (sys.executable, "-c", f"print({trace!r})")))
    until(lambda: status_of(stack, "router").state == "dead")
    assert status_of(stack, "router").detail == "java.lang.RuntimeException: no such node"


def test_a_process_that_never_becomes_healthy_shows_what_the_check_said(stack: Stack):
    port = free_port_numbers(1, 26000, 29999)[0]
    spec = ProcessSpec("router", SLEEPER, health_url=f"http://127.0.0.1:{port}/", ready_timeout_s=0.5)
    with pytest.raises(StackError, match="healthy within") as caught:
        stack.start_process(spec)
    assert "Connection refused" in caught.value.message
    assert status_of(stack, "router").state == "unhealthy"


def test_a_role_that_gets_no_further_in_its_recovery(stack: Stack):
    ready = stack.home / "run" / "processor.ready"
    ready.parent.mkdir(parents=True)
    code = f"import os, time; open({str(ready)!r}, 'w').write(f'{{os.getpid()}} 430 1000'); time.sleep(600)"
    spec = ProcessSpec("processor", (sys.executable, "-c", code), ready_file=ready, ready_timeout_s=1.0)
    with pytest.raises(StackError, match="healthy within 1 s of its last progress") as caught:
        stack.start_process(spec)
    assert "is at record 430 of 1,000 of its changelog" in caught.value.message


def test_a_program_that_is_not_there(stack: Stack):
    with pytest.raises(StackError, match="FileNotFoundError"):
        stack.start_process(ProcessSpec("router", ("/nonexistent/program",)))


def test_a_port_in_use_names_who_holds_it(stack: Stack):
    with socket.create_server(("127.0.0.1", free_port_numbers(1, 26000, 29999)[0])) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError) as caught:
            stack.start_process(ProcessSpec("mqtt", SLEEPER, port=port))
    assert f"port {port}" in caught.value.message
    assert f"pid {os.getpid()}" in caught.value.message
    assert "--mqtt-port" in caught.value.hint


def test_a_second_command_waits_for_the_first(stack: Stack):
    stack.home.mkdir()
    release, held, told = threading.Event(), threading.Event(), []

    def first() -> None:
        with StateFile(stack.home).lock(lambda *_: None):
            held.set()
            release.wait(10)

    holder = threading.Thread(target=first)
    holder.start()
    held.wait(10)

    def progress(step: str, _share: float | None) -> None:
        told.append(step)
        release.set()

    stack.start_process(ProcessSpec("router", SLEEPER), progress)
    holder.join()
    assert told[0] == f"waiting for another weir command (pid {os.getpid()})"
    assert status_of(stack, "router").state == "running"


def test_records_that_cannot_be_read_say_so(stack: Stack):
    stack.home.mkdir()
    (stack.home / "state.json").write_text("{")
    with pytest.raises(StackError, match=r"state\.json"):
        stack.status()
    (stack.home / "state.json").unlink()


def test_two_commands_at_once_start_one_process(stack: Stack):
    others = [Stack(stack.home) for _ in range(4)]
    threads = [threading.Thread(target=one.start_process, args=(ProcessSpec("router", SLEEPER),)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running = [one for one in psutil.process_iter() if _environment(one).get("WEIR_HOME") == str(stack.home)]
    assert [one.pid for one in running] == [status_of(stack, "router").pid]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
