"""The sampler sees where a process spends its time, and only while its file is there."""

import asyncio
import subprocess
import sys
import time

from benchmarks import sampler
from weir.home import PROJECT

BURNS = """
import sys, time
from pathlib import Path
from benchmarks import sampler
def burn():
    sum(range(20_000))
def idle():
    time.sleep(0.01)
sampler.sample_into(Path(sys.argv[1]))
while True:
    for _ in range(20):
        burn()
    idle()
"""


def test_what_burns_is_reported(tmp_path):
    path = tmp_path / "role.profile"
    process = subprocess.Popen([sys.executable, "-c", BURNS, str(path)], cwd=PROJECT)
    try:
        end = time.monotonic() + 60
        while "burn" not in (text := report(path)):
            assert time.monotonic() < end, text
            path.touch()
            time.sleep(0.3)  # what it samples for
            path.unlink()
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    assert text.splitlines()[0].endswith("us an instance")
    assert asyncio.run(sampler.finished(path, 1)) == report(path)


def report(path) -> str:
    stacks = sampler.stacks_file(path)
    return sampler.report(sampler.read_stacks(stacks), 1) if stacks.exists() else ""


def test_report_adds_up_by_function_and_by_what_it_calls():
    text = sampler.report(sampler.Stacks({("m.py:main", "a.py:f"): 300, ("m.py:main",): 100}), 100)
    assert text.startswith("4.0 us of CPU an instance in 2 stacks")
    own, within, files = (part.split() for part in text.split(":\n")[1:])
    assert own[:4] == ["3.00", "a.py:f", "1.00", "m.py:main"]
    assert within[:4] == ["4.00", "m.py:main", "3.00", "a.py:f"]
    assert files[:2] == ["3.00", "a.py"]
