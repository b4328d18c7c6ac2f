"""A process of the simulation: the real services, chain, loops and ticks, on a log and tables in memory.

It dies as a process does: from that moment on nothing that it does has an effect, whatever its tasks still go through.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from schemas import topics
from schemas.message import Message, Outcome
from services.runtime.chain import Chain, Stage
from services.runtime.directory import Directory, follow
from services.runtime.errors import Unavailable
from services.runtime.log import Log
from services.runtime.loop import Condition, Loop
from services.runtime.metrics import Metrics
from services.runtime.process import Process, chain_of
from services.runtime.quarantine import Quarantine
from services.runtime.service import Environment, Service
from services.runtime.settings import Settings
from services.topology import SERVICES
from tests.simulation.client import Client
from tests.simulation.database import MemoryDatabase
from tests.simulation.poison import Poisoned

if TYPE_CHECKING:
    from tests.simulation.universe import Universe

GRACE: Final = 0.5
SETTINGS: Final = Settings(
    kafka="",
    postgres="",
    passwords=Path(),
    keys=Path(),
    key_encryption_key=Path(),
    roots=Path(),
    http=0,
    grace=GRACE,
)


class Silent:
    """Metrics that nobody reads."""

    def __getattr__(self, name: str) -> "Silent":
        return self

    def __call__(self, *_: object) -> "Silent":
        return self

    def __iter__(self) -> "Iterator[Silent]":
        return iter((self, self, self))


METRICS: Final = cast(Metrics, Silent())


@dataclass(frozen=True)
class Surroundings(Environment):
    """What the simulation adds: the process whose tables a service opens."""

    process: "Simulated"


@asynccontextmanager
async def database(environment: Environment) -> AsyncIterator[MemoryDatabase]:
    """Stands in for `services.runtime.postgres.database`."""
    process = cast(Surroundings, environment).process
    yield MemoryDatabase(process.universe.tables[environment.service], process)


@dataclass(eq=False)
class Simulated:
    """One process, from its start to its end in order or by a crash."""

    name: str
    running: Sequence[Service]
    universe: "Universe"
    skew: timedelta = timedelta()
    dead: bool = False
    condition: Condition = field(default_factory=Condition)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[Client] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None

    def clock(self) -> datetime:
        """Its own."""
        return self.universe.clock() + self.skew

    async def spoken(self, what: str) -> None:
        """Every await for the log or the tables: anything may happen here, or nothing."""
        if self.dead:
            raise asyncio.CancelledError
        kind = self.universe.faults.due()
        if kind is None:
            await asyncio.sleep(self.universe.latency())
        else:
            await self.universe.strike(kind, self, what)
        if self.dead:
            raise asyncio.CancelledError

    def crash(self) -> None:
        """Nothing is committed, nothing left in order."""
        if self.dead:
            return
        self.dead = True
        if self.task is not None:
            asyncio.get_running_loop().call_soon(self.task.cancel)

    async def run(self) -> None:
        """Opens, works until told to stop, closes."""
        real = Process(self.running, SERVICES, SETTINGS, METRICS, self.condition, self.stopping)
        directory = self.universe.ground.followed(self.clock)
        client = self._client("")
        async with AsyncExitStack() as stack:
            opened = [(service, await self._opened(stack, service, directory, client)) for service in self.running]
            table = await stack.enter_async_context(client.table(topics.directory))
            caught_up = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                ticks = [(tick, service, held) for service, held in opened for tick in service.ticks]
                background = [
                    tasks.create_task(follow(directory, table, caught_up)),
                    *(tasks.create_task(real._tick(tick, service, held, client)) for tick, service, held in ticks),
                ]
                await self._complete(directory, caught_up)
                await self._work(opened, directory)
                for task in background:
                    task.cancel()

    async def _opened(self, stack: AsyncExitStack, service: Service, directory: Directory, log: Log) -> Any:
        keys = self.universe.ground.key_rings(service.ring)
        surroundings = Surroundings(service.name, SETTINGS, directory, keys, log, self.clock, self)
        return await stack.enter_async_context(service.resources(surroundings))

    async def _complete(self, directory: Directory, caught_up: asyncio.Event) -> None:
        """As a process waits at its start."""
        directed = any(service.directed for service in self.running)
        while not self.stopping.is_set() and not (caught_up.is_set() and (directory.fresh() or not directed)):
            await asyncio.sleep(0.1)
            if self.dead:
                raise asyncio.CancelledError

    async def _work(self, opened: Sequence[tuple[Service, Any]], directory: Directory) -> None:
        stages = [
            Stage(service, topic, step, held) for service, held in opened for topic, step in service.reads.items()
        ]
        watched = [(stage, self._client(stage.service.group(stage.topic))) for stage in stages]
        followed = [self._watched(stage, client) for stage, client in watched]
        chain = chain_of(followed, self.running, SERVICES, METRICS, self.universe.ground.quarantine.public)
        async with asyncio.TaskGroup() as tasks:
            for stage, (_, client) in zip(followed, watched, strict=True):
                tasks.create_task(self._loop(stage, chain, client, directory).run())

    def _client(self, group: str) -> Client:
        client = Client(self.universe.cluster, self, group)
        self.clients.append(client)
        return client

    def _watched(self, stage: Stage, client: Client) -> Stage:
        """The same step; what it was given from the log is noted, and that it never fails but by poison."""

        async def step(batch: Sequence[Message], resources: Any) -> Sequence[Outcome]:
            if self.universe.poison is not None and self.universe.poison.strikes(stage, batch):
                raise Poisoned
            try:
                outcomes = await stage.step(batch, resources)
            except Unavailable:
                raise
            except Exception as error:
                self.universe.failures.append(f"{stage.service.name}/{stage.topic}: {type(error).__name__}: {error}")
                raise
            client.stepped += [message.position for message in batch if message.position.partition >= 0]
            return outcomes

        return replace(stage, step=step)

    def _loop(self, stage: Stage, chain: Chain, client: Client, directory: Directory) -> Loop:
        quarantine = Quarantine(self.universe.ground.quarantine.public, stage.service.name, self.clock)
        return Loop(stage, chain, client, directory, METRICS, self.condition, quarantine, self.stopping)
