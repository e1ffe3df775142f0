"""``script``: what it computes, and what it cannot do."""

import asyncio
import os
from typing import Any

import psutil
import pytest

from streams.actions import ActionError, ActionRequest
from streams.actions.script import RunScript
from streams.sandbox import runner, seccomp
from streams.sandbox.child import MODULES
from streams.sandbox.limits import Limits
from streams.sandbox.syscalls import MACHINES

CALL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
output = {{"result": libc.{call}, "errno": ctypes.get_errno()}}
"""


async def perform(
    source: str, given: Any = None, time_left_s: float = 60.0, *, confined: bool = True
) -> dict[str, Any]:
    config = {"source": source, "input": {} if given is None else given}
    request = ActionRequest("script", config, "i", "a", "d", "i:a:1", time_left_s)
    return await RunScript(confined=confined).perform(request)


async def failed(source: str, *, time_left_s: float = 60.0) -> tuple[str, str]:
    with pytest.raises(ActionError) as error:
        await perform(source, time_left_s=time_left_s)
    assert len(str(error.value)) < 1000
    return error.value.error_type, str(error.value)


async def test_json_in_and_json_out() -> None:
    given = {"temps": [20.5, 21, 26], "name": "pümp", "none": None}
    source = (
        "import statistics as s\noutput = {'mean': s.mean(input['temps']), 'name': input['name'], 'x': [None, True]}"
    )
    assert await perform(source, given) == {"mean": 22.5, "name": "pümp", "x": [None, True]}


@pytest.mark.parametrize("module", MODULES)
async def test_a_script_can_import(module: str) -> None:
    assert await perform(f"import {module}\noutput = {{'name': {module}.__name__}}") == {"name": module}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("output = {}\nx = 1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        ("def f():\n    raise ValueError('no')\nf()", "ValueError: no (line 2)"),
        ("output = {'x': float('nan')}", "ValueError: Out of range float values"),
        ("output = {'x': {1, 2}}", "TypeError: Object of type set"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import numpy", "ModuleNotFoundError: No module named 'numpy'"),
        ("output = {'x': '\\ud800'}", "surrogates not allowed"),
        ("raise ValueError('\\ud800 no')", "ValueError: ? no (line 1)"),
        ("class E(Exception):\n  def __str__(self): raise self\nraise E", "E: it cannot say what is wrong"),
    ],
)
async def test_an_error_names_its_line(source: str, says: str) -> None:
    kind, message = await failed(source)
    assert kind == "script_script"
    assert says in message


async def test_what_is_printed_goes_nowhere() -> None:
    source = "import sys\nprint('here', flush=True)\nprint('there', file=sys.stderr)\noutput = {'x': 1}"
    assert await perform(source) == {"x": 1}


async def test_the_size_of_an_output_is_that_of_its_record() -> None:
    assert await perform("output = {'x': 'ü' * 20_000}") == {"x": "ü" * 20_000}


@pytest.mark.parametrize("source", ["pass", "output = 5", "output = [1]"])
async def test_the_output_is_an_object(source: str) -> None:
    kind, message = await failed(source)
    assert kind == "script_output"
    assert "to an object" in message


# ---- attacks

FORBIDDEN = {
    "read a file": "open('/etc/passwd')",
    "read the environment of another": f"open('/proc/{os.getppid()}/environ')",
    "read its own": "open('/proc/self/environ')",
    "write a file": "open('/tmp/weir-script', 'w')",
    "list a folder": "import os\nos.listdir('/')",
    "fork": "import os\nos.fork()",
    "run a program": "import os\nos.execv('/bin/sh', ['sh', '-c', 'id'])",
    "kill its parent": "import os\nos.kill(os.getppid(), 9)",
    "kill all": "import os\nos.kill(-1, 9)",
    "remove": "import os\nos.unlink('/tmp/weir-script')",
    "open a pipe": "import os\nos.pipe()",
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_a_script_may_not(name: str) -> None:
    kind, message = await failed(FORBIDDEN[name])
    assert kind == "script_script"
    assert "PermissionError: [Errno 1]" in message
    assert not os.path.exists("/tmp/weir-script")  # noqa: PTH110, ASYNC240


@pytest.mark.parametrize(
    "call",
    [
        "socket(2, 1, 0)",
        "ptrace(16, 1, 0, 0)",
        "fork()",
        "syscall(425, 8, 0)",  # io_uring_setup: a way around a list of refused calls
        "setuid(0)",
        "chroot(b'/tmp')",
        "mount(0, 0, 0, 0, 0)",
        "prctl(22, 0, 0, 0, 0)",
        "kill(1, 9)",
    ],
)
async def test_nor_by_a_system_call_of_its_own(call: str) -> None:
    assert await perform(CALL.format(call=call)) == {"result": -1, "errno": 1}


async def test_another_abi_of_the_machine_is_no_way_around() -> None:
    kind, message = await failed(CALL.format(call="syscall(0x40000000 + 41, 2, 1, 0)"))
    assert kind == "script_crash"
    assert "-31" in message  # SIGSYS


async def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIR_PLANTED", "secret")
    output = await perform("import os\noutput = dict(os.environ)")
    assert output.keys() <= {"LC_CTYPE"}  # which Python itself sets


async def test_nothing_of_weir_can_be_had() -> None:
    kind, message = await failed("import streams.settings")
    assert kind == "script_script"
    assert "ModuleNotFoundError" in message or "PermissionError" in message


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("x = []\nwhile True: x.append(bytearray(10_000_000))", "script_memory"),
        ("x = 'a' * (1 << 40)", "script_memory"),
        ("import os\nwhile True: os.write(1, b'x' * 65536)", "script_output"),
        ("output = {'x': 'a' * 100_000}", "script_output"),
        ("import ctypes\nctypes.string_at(0)", "script_crash"),
        ("import os\nos.close(1)\noutput = {}", "script_crash"),
    ],
)
async def test_what_is_used_up_ends_it(source: str, kind: str) -> None:
    assert (await failed(source))[0] == kind


async def test_an_endless_loop_ends_with_its_processor_time() -> None:
    script = runner.Script("while True: pass", {}, Limits(cpu_s=1))
    with pytest.raises(runner.Failed, match="more than 1 s of processor time") as failure:
        await runner.run(script, 120)
    assert failure.value.kind == "cpu"


async def test_a_script_that_waits_ends_with_its_time() -> None:
    kind, message = await failed("import time\ntime.sleep(1000)", time_left_s=2.0)
    assert kind == "script_time"
    assert "was not done within" in message


async def test_whatever_it_does_nothing_is_left() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    await asyncio.gather(
        *(failed("import time\ntime.sleep(1000)", time_left_s=2.0) for _ in range(4)), return_exceptions=True
    )
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


async def test_without_a_filter_a_script_runs_only_when_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "START", _without_filter(runner.START))
    kind, _ = await failed("output = {}")
    assert kind == "script_no_sandbox"
    assert await perform("output = {'a': 1}", confined=False) == {"a": 1}


def _without_filter(start: str) -> str:
    """A machine that the list does not know."""
    return start.replace("main()", "import platform; platform.machine = lambda: 'vax'; main()")


def test_the_lists_of_the_machines_name_the_same_calls() -> None:
    names = [set(machine.allowed) for machine in MACHINES.values()]
    assert names[0] - names[1] == {"time"}  # younger machines have none
    assert names[1] <= names[0]


def test_the_program_fits_what_the_kernel_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MACHINES:
        monkeypatch.setattr(seccomp.platform, "machine", lambda name=name: name)
        assert len(seccomp._program()) // 8 < 256, "jumps have eight bits"
