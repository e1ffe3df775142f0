"""The supervised processors of a plant: so many of them, who owns which partition, signals."""

import asyncio
import os
import signal

from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.plant import BenchPlant
from benchmarks.stalls import until
from streams.topics import group_of
from weir.members import members_of
from weir.role import MODULES
from weir.roles import worker_specs
from weir.stack.process import ServiceStatus

Owners = dict[int, str]
"""Partition of the commands → the worker's name."""


class Fleet:
    """The supervised processors of a plant."""

    def __init__(self, running: BenchPlant, admin: AIOKafkaAdminClient) -> None:
        self._plant, self._admin = running, admin
        self._group = group_of(running.settings, "processor")
        self._commands = running.topics.commands.name

    async def scale(self, count: int) -> None:
        """Have so many, and wait until each has partitions."""
        counts = {**dict.fromkeys(MODULES, 0), "processor": count}
        specs = worker_specs(self._plant.settings, self._plant.home, counts)
        await asyncio.to_thread(self._plant.stack.supervise, specs, self._plant.step)
        await self.owners()

    async def owners(self, *names: str) -> Owners:
        """Wait until these (else all) have the partitions, each some; who has which."""
        wanted = set(names) or {spec.name for spec in self._plant.stack.workers()}
        owners: Owners = await until(lambda: self._owners(wanted), f"{sorted(wanted)} to have the partitions")
        return owners

    async def _owners(self, names: set[str]) -> Owners | None:
        known = {spec.env["WEIR_MEMBER_ID"]: spec.name for spec in self._plant.stack.workers()}
        owners = {}
        for member in await members_of(self._admin, self._group):
            name = known.get(member.static_id, member.member_id)
            owners.update({tp.partition: name for tp in member.partitions if tp.topic == self._commands})
        whole = len(owners) == self._plant.topics.partitions and set(owners.values()) == names
        return owners if whole else None

    def status(self, name: str) -> ServiceStatus:
        """As ``weir status`` tells."""
        return next(one for one in self._plant.stack.status() if one.name == name)

    def signal(self, name: str, number: signal.Signals) -> int:
        """Signal a worker, or the supervisor; returns the pid."""
        pid = self.status(name).pid
        assert pid is not None
        os.kill(pid, number)
        return pid

    async def back(self, name: str, pid: int) -> None:
        """Wait until a worker works in another process than ``pid``."""

        def holds() -> bool:
            now = self.status(name)
            return now.state == "running" and now.pid != pid

        await until(holds, f"{name} to be back")
