"""One execution: cluster, tables, clock and processes, what strikes them, and how they come to rest."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from schemas.directory import HUB
from schemas.text import instant
from services.hub import store as hub
from services.runtime.errors import Unavailable
from services.runtime.service import Service
from services.topology import SERVICES, groups
from tests import enrolled
from tests.simulation.database import MemoryDatabase, Tables, Untroubled
from tests.simulation.faults import CRASHES, Faults, Kind
from tests.simulation.ground import AGENCIES, START, Ground
from tests.simulation.log import Cluster
from tests.simulation.poison import Poison
from tests.simulation.process import Simulated

JUMP: Final = timedelta(minutes=10)
PATIENCE: Final = 300.0
"""Seconds of the simulation in which everything must come to rest."""
Layout = Literal["service", "block", "twice"]
"""One process a service, or a block; or the intermediate block twice beside services of the linkage block."""


def processes(layout: Layout) -> list[tuple[str, Sequence[Service]]]:
    """Names and services of the processes of a layout."""
    working = [service for service in SERVICES if service.reads]
    blocks = {
        block: [service for service in working if service.block == block] for block in ("intermediate", "linkage")
    }
    central = [service for service in working if service.name == "hub"]
    match layout:
        case "service":
            return [(service.name, [service]) for service in working]
        case "block":
            return [*blocks.items(), ("hub", central)]
        case "twice":
            singles = [(service.name, [service]) for service in blocks["linkage"]]
            return [
                ("intermediate", blocks["intermediate"]),
                ("second", blocks["intermediate"]),
                *singles,
                ("hub", central),
            ]


@dataclass
class Universe:
    """Everything that one seed has."""

    ground: Ground
    chance: random.Random
    faults: Faults
    poison: Poison | None = None
    cluster: Cluster = field(init=False)
    tables: Mapping[str, Tables] = field(init=False)
    failures: list[str] = field(default_factory=list)
    leapt: timedelta = timedelta()
    farthest: timedelta = timedelta()
    """How far time was ahead at the most while things went wrong."""
    layout: Layout = "service"
    alive: dict[str, Simulated] = field(default_factory=dict)
    stopping: list["asyncio.Task[None]"] = field(default_factory=list)
    crashes: Counter[str] = field(default_factory=Counter)
    revoked: set[str] = field(default_factory=set)
    calm: bool = False
    switching: bool = False
    impostors: set[tuple[str, str]] = field(default_factory=set)
    """(sender, id) of the messages that left once more, about somebody else."""
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.clock, chance=self.chance, small=0.3, idle=1.0)
        self.tables = {name: tables.copy() for name, tables in self.ground.tables.items()}

    def clock(self) -> datetime:
        """The true time, which the brokers have; it may leap."""
        return START + timedelta(seconds=asyncio.get_running_loop().time()) + self.leapt

    def latency(self) -> float:
        """Of a word to the log or the tables: mostly none, so that it is only a matter of who is next."""
        return self.chance.randint(1, 30) / 1000 if self.chance.random() < 0.08 else 0.0

    # — processes

    def begin(self, layout: Layout) -> None:
        self.layout = layout
        for name, running in processes(layout):
            self._start(name, running)

    def _start(self, name: str, running: Sequence[Service]) -> None:
        process = Simulated(name, running, self)
        self.alive[name] = process
        process.task = self._spawn(process.run())
        self._spawn(self._supervised(process, process.task))

    async def _supervised(self, process: Simulated, running: "asyncio.Task[None]") -> None:
        """Until it ends; if it has died, it is started again after a while."""
        await asyncio.wait([running])
        if not process.dead and not running.cancelled() and running.exception() is not None:
            self.failures.append(f"process {process.name} ended: {running.exception()!r}")
        if process.dead and self.alive.get(process.name) is process:
            await asyncio.sleep(0 if self.calm else self.chance.uniform(0, 2))
            if self.alive.get(process.name) is process:
                self._start(process.name, process.running)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _switch(self, layout: Layout) -> None:
        """The old processes stop in order or are killed, at once or only after the new ones have begun."""
        old = list(self.alive.values())
        self.alive, self.layout = {}, layout
        wait = self.chance.choice((0.0, 0.3, 1.0))
        if self.chance.random() < 0.5:
            self.begin(layout)
            await asyncio.sleep(wait)
            self._end(old)
        else:
            self._end(old)
            await asyncio.sleep(wait)
            self.begin(layout)
        self.switching = False

    def _end(self, old: Sequence[Simulated]) -> None:
        for process in old:
            kill = not self.calm and self.chance.random() < 0.3 and self._may_crash(process)
            process.crash() if kill else process.stopping.set()
            assert process.task is not None
            self.stopping.append(process.task)

    def _may_crash(self, process: Simulated) -> bool:
        names = [service.name for service in process.running]
        if any(self.crashes[name] >= CRASHES for name in names):
            return False
        self.crashes.update(names)
        return True

    # — what strikes them

    async def strike(self, kind: Kind, process: Simulated, what: str) -> None:
        """One fault, at an await of one process."""
        match kind:
            case "unavailable":
                raise Unavailable(f"simulated, at: {what}")
            case "slow":
                await asyncio.sleep(self.chance.choice((0.05, 0.5, 3.0)))
            case "crash" if self._may_crash(process):
                process.crash()
            case "displace" if self._may_crash(process):
                await self._displace(process)
            case "clock":
                process.skew = self.chance.choice((JUMP, -JUMP))
                asyncio.get_running_loop().call_later(
                    self.chance.uniform(0.5, 4), setattr, process, "skew", timedelta()
                )
            case "leap":
                self.leapt += self.chance.choice((JUMP, -JUMP))
                self.farthest = max(self.farthest, self.leapt)
            case "behind":
                self._behind(process)
            case "switch" if not self.switching:
                self.switching = True
                others: list[Layout] = [one for one in ("service", "block", "twice") if one != self.layout]
                self.stopping.append(self._spawn(self._switch(self.chance.choice(others))))
            case "revoke":
                self.stopping.append(self._spawn(self._revoke()))
        await asyncio.sleep(0)

    async def _displace(self, process: Simulated) -> None:
        """It stands still for so long that it is given up; somebody else goes on with its work, and then it does, too."""
        pause = self.chance.choice((0.0, 0.02, 0.3, 1.0))
        for member in [member for client in process.clients for member in client.members]:
            member.displace(pause + self.chance.choice((0.0, 0.5, 2.0)))
        beside = f"beside {process.name}"
        if process is self.alive.get(process.name) and beside not in self.alive and not self.switching:
            self._start(beside, process.running)
        await asyncio.sleep(pause)

    def _behind(self, process: Simulated) -> None:
        until = asyncio.get_running_loop().time() + self.chance.uniform(0.5, 5)
        for client in process.clients:
            for table in client.tables:
                table.until = until

    async def _revoke(self) -> None:
        """The signing key of an agency: it has no other."""
        agency = self.chance.choice(AGENCIES)
        record = self.ground.keys[agency, "sign"].record
        if agency in self.revoked:
            return
        self.revoked.add(agency)
        revoked = record.model_copy(update={"version": 2, "revoked": instant(self.clock())})
        message = enrolled.published(self.ground.world, revoked)
        async with MemoryDatabase(self.tables["hub"], Untroubled()).transaction({HUB}) as connection:
            handed = hub.Publication(message.key, message.value, message.headers["signature"])
            await hub.hand_in(connection, [handed])

    # — rest

    async def rest(self) -> None:
        """No more faults; every process runs; returns when nothing is left to be done."""
        self.calm = True
        self.faults.stop()
        for process in self.alive.values():
            process.skew = timedelta()
        quiet, until = 0, asyncio.get_running_loop().time() + PATIENCE
        while quiet < 2:
            await asyncio.sleep(0.3)
            quiet = quiet + 1 if self._quiet() else 0
            if asyncio.get_running_loop().time() > until:
                raise AssertionError(f"does not come to rest: {self.left()}")

    def open(self) -> list[object]:
        """The exchanges that have not ended."""
        return [place for place, row in self.tables["exchange"].rows["exchanges"].items() if row["state"] == "open"]

    async def timed_out(self) -> None:
        """Until none is open, since the time of all is over; for a while, the oracle says what is still open."""
        until = asyncio.get_running_loop().time() + PATIENCE
        while self.open() and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.5)

    def _quiet(self) -> bool:
        left = self.left()
        self.stopping = [task for task in self.stopping if not task.done()]
        return not self.stopping and not any(left)

    def left(self) -> tuple[dict[str, int], list[str], dict[str, str]]:
        """What is not done, who is not there, and what keeps those who are from their work."""
        missing = [name for name, _ in processes(self.layout) if name not in self.alive or self.alive[name].dead]
        waiting = {key: text for one in self.alive.values() for key, text in one.condition.waiting.items()}
        return self.cluster.lag(groups()), missing, waiting

    def leap(self, seconds: float) -> None:
        """Time passes at once."""
        self.leapt += timedelta(seconds=seconds)

    async def end(self) -> None:
        """Everything dies."""
        for process in self.alive.values():
            process.crash()
        tasks = list(self._tasks)
        self.alive = {}
        if tasks:
            await asyncio.wait(tasks)
