"""The supervisor with real processes: what ends is back, what fails is not hurried, nothing runs twice or stays."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from weir.stack.backoff import FIRST_S, LONGEST_S, QUICK_S, Backoff
from weir.stack.errors import StackError
from weir.stack.process import ProcessSpec, ServiceStatus
from weir.stack.stack import Stack
from weir.stack.state import find_marked
from weir.stack.supervisor import NAME, Supervisor
from weir.stack.workers import Worker, WorkersFile, WorkerSpec

WORKS = """
import os, signal, sys, time
from pathlib import Path
def stop(number, frame):
    print("stopped by", signal.Signals(number).name, flush=True)
    sys.exit(0)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, stop)
print("member", os.environ["MEMBER"], flush=True)
Path(os.environ["READY"]).write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""
RECOVERS = """
import os, time
from pathlib import Path
for done in range(1, {steps} + 1):
    Path(os.environ["READY"]).write_text(f"{{os.getpid()}} {{done * 1000}} 10000")
    time.sleep(0.3)
while {steps} < 8:
    time.sleep(60)
Path(os.environ["READY"]).write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""
"""Comes up after 2.4 s, or stands still after so many of 8 steps."""
FAILS = "import sys; print('no Kafka', flush=True); sys.exit(70)"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack without services: only a supervisor and workers."""
    stack = Stack(tmp_path / "home")
    yield stack
    stack.down()


def spec(stack: Stack, name: str, code: str = WORKS, timeout_s: float = 60.0) -> WorkerSpec:
    ready = str(stack.home / "run" / f"{name}.ready")
    return WorkerSpec(
        name=name,
        role=name.partition("-")[0],
        argv=(sys.executable, "-c", code),
        env={"MEMBER": f"plant-{name}", "READY": ready},
        cwd=str(stack.home),
        ready_file=ready,
        ready_timeout_s=timeout_s,
    )


def status_of(stack: Stack, name: str) -> ServiceStatus:
    return next(one for one in stack.status() if one.name == name)


def pid_of(stack: Stack, name: str) -> int:
    pid = status_of(stack, name).pid
    assert pid is not None
    return pid


def until(condition: Callable[[], object], what: str = "the condition", seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.02)


def is_back(stack: Stack, name: str, pid: int) -> bool:
    now = status_of(stack, name)
    return now.state == "running" and now.pid != pid


@pytest.mark.parametrize(
    ("number", "end"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGABRT, "SIGABRT"), (signal.SIGTERM, "exit code 0")]
)
def test_what_ends_is_back_with_the_same_member_id(stack: Stack, number: signal.Signals, end: str):
    stack.supervise([spec(stack, "processor"), spec(stack, "processor-2")])
    pid, other = pid_of(stack, "processor"), pid_of(stack, "processor-2")
    os.kill(pid, number)
    until(lambda: is_back(stack, "processor", pid), "the restart")
    now = status_of(stack, "processor")
    assert (now.role, now.restarts, now.last_end) == ("processor", 1, end)
    said = [line for line in stack.log_path("processor").read_text().splitlines() if line.startswith("member")]
    assert said == ["member plant-processor"] * 2
    assert (pid_of(stack, "processor-2"), status_of(stack, "processor-2").restarts) == (other, 0)
    assert f"processor: ENDED with {end}, pid {pid}" in stack.log_path(NAME).read_text()


def test_what_always_fails_is_tried_for_ever_and_not_in_a_tight_loop(stack: Stack):
    with pytest.raises(StackError, match="exit code 70") as caught:
        stack.supervise([spec(stack, "router", FAILS)])
    assert "no Kafka" in caught.value.message
    assert "weir logs router" in caught.value.hint
    began, before = time.monotonic(), status_of(stack, "router").restarts
    until(lambda: status_of(stack, "router").restarts > before + 1, "two more starts")
    assert time.monotonic() - began > 2 * FIRST_S
    until(lambda: status_of(stack, "router").state == "dead", "its end")
    assert status_of(stack, "router").detail == "no Kafka"
    waits = [line for line in stack.log_path(NAME).read_text().splitlines() if "ENDED with exit code 70" in line]
    assert waits[0].endswith("at once")
    assert waits[1].endswith(f"in {FIRST_S:g} s")


def test_what_recovers_is_waited_for_as_long_as_it_gets_further(stack: Stack):
    told: list[tuple[str, float | None]] = []
    recovers = spec(stack, "processor", RECOVERS.format(steps=8), timeout_s=2.0)
    stack.supervise([recovers], lambda step, share: told.append((step, share)))
    assert ("processor: reading its changelog, 20 %", 0.2) in told
    assert told[-2:] == [("processor: reading its changelog, 80 %", 0.8), ("processor: ready", 1.0)]


def test_what_gets_no_further_in_its_recovery_is_an_error_that_tells_how_far_it_is(stack: Stack):
    with pytest.raises(StackError, match="it is at record 3,000 of 10,000 of its changelog"):
        stack.supervise([spec(stack, "processor", RECOVERS.format(steps=3), timeout_s=1.0)])
    now = status_of(stack, "processor")
    assert (now.state, now.detail) == ("starting", "reading its changelog, 30 %")


def test_a_command_hurries_what_waits(stack: Stack):
    """What a worker lacked may be there now."""
    (stack.home / "run").mkdir(parents=True)
    file = WorkersFile(stack.home)
    with file.change() as workers:
        workers["router"] = Worker(spec=spec(stack, "router", FAILS))
    supervisor = Supervisor(stack.home)
    until(lambda: supervisor.step() > FIRST_S and file.read()["router"].process is None, "a wait")
    before = file.read()["router"].restarts
    supervisor.hurry()
    supervisor.step()
    assert file.read()["router"].restarts == before + 1
    until(lambda: supervisor.step() >= 0 and file.read()["router"].process is None, "its end")


def test_backoff_counts_quick_ends_only():
    backoff = Backoff()
    assert [backoff.ended(QUICK_S) for _ in range(100)] == [0.0] * 100
    waits = [backoff.ended(1.0) for _ in range(3_000)]  # a day of failing
    assert waits[:5] == [0.0, FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert waits[-1] == LONGEST_S
    assert [backoff.ended(3600.0), backoff.ended(1.0), backoff.ended(1.0)] == [0.0, 0.0, FIRST_S]


def test_more_workers_are_added_and_those_too_many_leave_for_good(stack: Stack):
    three = [spec(stack, name) for name in ("processor", "processor-2", "processor-3")]
    stack.supervise(three[:1])
    first = pid_of(stack, "processor")
    stack.supervise(three)
    assert pid_of(stack, "processor") == first
    gone = [pid_of(stack, name) for name in ("processor-2", "processor-3")]
    stack.supervise(three[:1])
    assert [one.name for one in stack.status()][3:] == [NAME, "processor"]
    assert pid_of(stack, "processor") == first
    assert not any(running(pid) for pid in gone)
    for name in ("processor-2", "processor-3"):
        assert "stopped by SIGINT" in stack.log_path(name).read_text()


def test_a_supervised_worker_that_is_stopped_stays_stopped(stack: Stack):
    stack.supervise([spec(stack, "projector"), spec(stack, "processor")])
    pid = pid_of(stack, "processor")
    stack.stop_process("processor")
    assert not running(pid)
    other = pid_of(stack, "projector")
    os.kill(other, signal.SIGKILL)
    until(lambda: is_back(stack, "projector", other), "the other's restart")
    assert find_marked(stack.home).keys() == {NAME, "projector"}


@pytest.mark.parametrize("adopted", [False, True])
def test_a_worker_whose_spec_has_changed_is_started_again_by_it(stack: Stack, adopted: bool):
    before = [spec(stack, "processor"), spec(stack, "router")]
    stack.supervise(before)
    pids = [pid_of(stack, one.name) for one in before]
    if adopted:
        os.kill(pid_of(stack, NAME), signal.SIGKILL)
    changed = msgspec.structs.replace(before[1], env={**before[1].env, "MEMBER": "another"})
    stack.supervise([before[0], changed])
    assert pid_of(stack, "processor") == pids[0]
    assert is_back(stack, "router", pids[1])
    said = stack.log_path("router").read_text().splitlines()
    assert said == ["member plant-router", "stopped by SIGINT", "member another"]
    stack.supervise([before[0], changed])
    assert is_back(stack, "router", pids[1])
    assert len(stack.log_path("router").read_text().splitlines()) == len(said)


def test_a_change_that_was_interrupted_is_made_up_for(stack: Stack):
    """The command was killed after it had written what it wanted, before it stopped anything."""
    stack.supervise([spec(stack, "router")])
    pid = pid_of(stack, "router")
    changed = msgspec.structs.replace(spec(stack, "router"), reads="other topics")
    with WorkersFile(stack.home).change() as workers:
        workers["router"] = msgspec.structs.replace(workers["router"], spec=changed, outdated=True)
    stack.supervise([changed])
    assert is_back(stack, "router", pid)


def test_down_leaves_nothing(stack: Stack):
    stack.supervise([spec(stack, name) for name in ("projector", "processor", "processor-2", "bridge")])
    assert stack.running() == [NAME, "projector", "processor", "processor-2", "bridge"]
    told: list[str] = []
    stack.down(lambda step, _share: told.append(step))
    assert told == [f"stopping {name}" for name in (NAME, "bridge", "processor-2", "processor", "projector")]
    assert find_marked(stack.home) == {}
    assert stack.running() == []
    assert [one.state for one in stack.status()] == ["stopped"] * 3


def test_down_while_a_worker_waits_to_be_started_again(stack: Stack):
    with pytest.raises(StackError):
        stack.supervise([spec(stack, "router", FAILS)])
    stack.down()
    assert find_marked(stack.home) == {}


def test_a_killed_supervisor_is_told_and_the_next_adopts_what_runs(stack: Stack):
    specs = [spec(stack, "processor"), spec(stack, "processor-2")]
    stack.supervise(specs)
    supervisor, pid, other = pid_of(stack, NAME), pid_of(stack, "processor"), pid_of(stack, "processor-2")
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: status_of(stack, NAME).state == "dead", "its end")
    os.kill(other, signal.SIGKILL)  # nobody sees it
    stack.supervise(specs)
    assert pid_of(stack, NAME) != supervisor
    assert pid_of(stack, "processor") == pid
    assert pid_of(stack, "processor-2") != other
    os.kill(pid, signal.SIGKILL)  # an adopted one
    until(lambda: is_back(stack, "processor", pid), "the restart of what was adopted")
    assert status_of(stack, "processor").restarts == 1


def test_a_worker_whose_start_was_not_written_down_is_adopted(stack: Stack):
    """The supervisor was killed between the start and the record."""
    stack.supervise([spec(stack, "processor")])
    pid = pid_of(stack, "processor")
    os.kill(pid_of(stack, NAME), signal.SIGKILL)
    (stack.home / "workers.json").unlink()
    stack.supervise([spec(stack, "processor")])
    assert pid_of(stack, "processor") == pid


def test_down_without_a_supervisor(stack: Stack):
    stack.supervise([spec(stack, "processor")])
    os.kill(pid_of(stack, NAME), signal.SIGKILL)
    stack.down()
    assert find_marked(stack.home) == {}


def test_a_process_that_was_started_once_is_adopted(stack: Stack):
    """As by an earlier version of the command."""
    worker = spec(stack, "processor")
    (stack.home / "run").mkdir(parents=True)
    stack.start_process(ProcessSpec("processor", worker.argv, worker.env, ready_file=Path(worker.ready_file)))
    pid = pid_of(stack, "processor")
    stack.supervise([worker])
    assert [(one.name, one.pid) for one in stack.status() if one.name == "processor"] == [("processor", pid)]


def test_commands_at_once_start_one_supervisor_and_each_worker_once(stack: Stack):
    specs = [spec(stack, "processor"), spec(stack, "processor-2")]
    threads = [threading.Thread(target=Stack(stack.home).supervise, args=(specs,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    marked = [one for one in psutil.process_iter() if environment(one).get("WEIR_HOME") == str(stack.home)]
    assert sorted(environment(one)["WEIR_PROCESS"] for one in marked) == ["processor", "processor-2", NAME]


def test_large_logs_are_put_aside_while_their_processes_run(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("weir.stack.logs.LOG_MAX_BYTES", 100)
    stack.log_path("kafka").parent.mkdir(parents=True)
    stack.log_path("kafka").write_text("x" * 101)
    stack.log_path("mqtt").write_text("x" * 100)
    Supervisor(stack.home).step()
    assert stack.log_path("kafka").read_text() == ""
    assert stack.log_path("kafka").with_suffix(".log.1").read_text() == "x" * 101
    assert stack.log_path("mqtt").read_text() == "x" * 100


def test_a_second_supervisor_has_nothing_to_do(stack: Stack):
    stack.supervise([spec(stack, "processor")])
    argv = psutil.Process(pid_of(stack, NAME)).cmdline()
    assert psutil.Popen(argv, stdout=-3).wait(60) == os.EX_TEMPFAIL
    assert status_of(stack, NAME).state == "running"


def test_only_the_owner_may_read_the_workers_settings(stack: Stack):
    stack.supervise([spec(stack, "processor")])
    assert (stack.home / "workers.json").stat().st_mode & 0o077 == 0


def test_records_that_cannot_be_read_say_so(stack: Stack):
    stack.home.mkdir()
    (stack.home / "workers.json").write_text("{")
    with pytest.raises(StackError, match=r"workers\.json"):
        WorkersFile(stack.home).read()
    (stack.home / "workers.json").unlink()


def running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
