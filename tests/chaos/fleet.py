"""Weir's roles as processes, and the supervisor that starts them again.

A member is a place for a process: its role, its host, its log, its clock.  What ends by itself or by a signal starts
again; what is stopped on purpose stays away until it is started.  A host's members are static members of their groups
or not: both are ways to run Weir.
"""

import asyncio
import os
import signal
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams import ready
from streams.settings import Settings
from tests.chaos.home import HOME
from weir.home import PROJECT, environment
from weir.stack.state import HOME_MARK, NAME_MARK

CLOCK = Path(__file__).parent / "clock"
RESTART = os.EX_SOFTWARE
AGAIN_S = 0.3
STOP_TIMEOUT_S = 30.0
_DOUBLE = struct.Struct("<d")


@dataclass(frozen=True)
class Ending:
    """A process that has ended; ``wanted`` are the exit codes that what was done to it explains."""

    member: str
    code: int
    wanted: tuple[int, ...]

    @property
    def explained(self) -> bool:
        return self.code in self.wanted


@dataclass(eq=False)
class Member:
    """One place; ``settings`` are as its host sees the services."""

    name: str
    role: str
    host: str
    settings: Settings
    folder: Path
    endings: list[Ending]
    planted: Sequence[str] = ()
    process: asyncio.subprocess.Process | None = None
    kept: asyncio.Task[None] | None = None
    stopping: bool = False
    wanted: set[int] = field(default_factory=set)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def _ready(self) -> Path:
        return self.folder / f"{self.name}.ready"

    @property
    def works(self) -> bool:
        """It runs, and has announced itself since it was started."""
        if self.process is None or self.process.returncode is not None:
            return False
        try:
            return self._ready.read_text().strip() == str(self.process.pid)
        except FileNotFoundError:
            return False

    def start(self) -> None:
        """Run it, and again whenever it ends, until it is stopped."""
        self.stopping = False
        self.set_clock(0)
        self.kept = asyncio.create_task(self._keep(), name=self.name)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Tell it to end and leave it so; seconds until it had ended.  One that does not end is killed and told."""
        began = time.monotonic()
        self.stopping = True
        if self.process is not None and self.process.returncode is None:
            self.wanted |= {0, -number}
            self.signal(number)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self.process.wait()
            except TimeoutError:
                self.wanted.clear()
                self.process.kill()
        if self.kept is not None:
            await self.kept
        return time.monotonic() - began

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; one that has just ended by itself misses it."""
        if self.process is not None and self.process.returncode is None:
            if number is signal.SIGKILL:
                self.wanted.add(-number)
            self.process.send_signal(number)

    def set_clock(self, ahead_s: float) -> None:
        """Set its clock wrong, at once and for the processes to come."""
        file = self.folder / f"{self.name}.clock"
        if not file.exists():
            file.write_bytes(_DOUBLE.pack(0))
        with file.open("r+b") as clock:  # in place: the process has it mapped
            clock.write(_DOUBLE.pack(ahead_s))

    async def _keep(self) -> None:
        while not self.stopping:
            self.wanted = {RESTART}
            with self.log.open("ab") as output:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-u",
                    "-m",
                    *self._module(),
                    env=self._environment(),
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                )
                if self.stopping:  # told while it was being started
                    self.process.kill()
                    self.wanted.add(-signal.SIGKILL)
                code = await self.process.wait()
                output.write(f"[chaos] {time.time():.3f} {self.name} ended with {code}\n".encode())
            self.endings.append(Ending(self.name, code, tuple(self.wanted)))
            if not self.stopping:
                await asyncio.sleep(AGAIN_S)

    def _module(self) -> tuple[str, ...]:
        if not self.planted:
            return "weir.role", self.role
        return "tests.chaos.plants", *self.planted, self.role

    def _environment(self) -> dict[str, str]:
        own = {
            **environment(self.settings),
            ready.VARIABLE: str(self._ready),
            HOME_MARK: str(self.folder / HOME),  # so that `home.sweep` finds it
            NAME_MARK: self.name,
            "CHAOS_CLOCK": str(self.folder / f"{self.name}.clock"),
            "PYTHONPATH": f"{CLOCK}{os.pathsep}{PROJECT}",
        }
        return {**os.environ, **own}


class Fleet:
    """All members; ``endings`` is everything that ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.endings: list[Ending] = []
        self.members: dict[str, Member] = {}

    def add(self, name: str, role: str, host: str, settings: Settings, planted: Sequence[str] = ()) -> Member:
        """A new place; nothing runs there yet."""
        member = Member(name, role, host, settings, self.folder, self.endings, planted)
        self.members[name] = member
        return member

    def of_role(self, role: str) -> list[Member]:
        return [member for member in self.members.values() if member.role == role]

    def of_host(self, host: str) -> list[Member]:
        return [member for member in self.members.values() if member.host == host]

    async def kill(self) -> None:
        """End everything at once, when nobody asks any more how."""
        for member in self.members.values():
            member.signal(signal.SIGCONT)
        await asyncio.gather(*(member.stop(signal.SIGKILL) for member in self.members.values()))
