"""A process: one service, several, or a block. It waits for what it needs, works, and stops in order."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
import uvloop

from schemas import topics
from schemas.quarantine import QuarantineKey
from schemas.topics import Topic
from services.runtime import keys as rings
from services.runtime.chain import Chain, Stage
from services.runtime.clock import Clock, utc
from services.runtime.directory import Directory, EnrolledRoots, follow
from services.runtime.errors import Misconfigured, MissingKey, Unavailable
from services.runtime.http import Pages, serve
from services.runtime.ignoring import Ignoring
from services.runtime.kafka.log import KafkaLog, partition_of
from services.runtime.keys import KeyRings
from services.runtime.log import Log
from services.runtime.logging import configure, place
from services.runtime.loop import Condition, Loop, Pause
from services.runtime.metrics import Metrics
from services.runtime.quarantine import Quarantine, read_key
from services.runtime.service import Environment, Service, Tick, skipped, within_block
from services.runtime.settings import Settings

T = TypeVar("T")
RINGS_EVERY = 2.0
"""Seconds between looks at the key-ring files."""


def main(running: Sequence[Service], services: Sequence[Service], settings: Settings, clock: Clock = utc) -> int:
    """Runs `running`, some of all the `services`, until SIGTERM or SIGINT; returns the exit status."""
    metrics = Metrics()
    configure(settings.log_level, metrics.log_lines_lost.inc)
    line = structlog.get_logger().bind(services=[service.name for service in running])
    try:
        uvloop.run(_run(Process(running, services, settings, metrics, clock=clock)))
    except (Misconfigured, Stopped, BaseExceptionGroup) as error:
        cause = _first(error)
        if not isinstance(cause, Stopped):
            misconfigured = isinstance(cause, Misconfigured)
            reason = str(cause) if misconfigured else place(cause)
            line.error("stopped", error=type(cause).__name__, reason=reason)
            return 2 if misconfigured else 1
    line.info("stopped")
    return 0


class Stopped(Exception):
    """Told to stop before everything that the process waited for was there."""


async def _run(process: "Process") -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.stopping.set)
    await process.run()


@dataclass
class Process:
    """The parts of a running process, and the order in which they open and close."""

    running: Sequence[Service]
    services: Sequence[Service]
    settings: Settings
    metrics: Metrics = field(default_factory=Metrics)
    condition: Condition = field(default_factory=Condition)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    pages: Pages = field(default_factory=Pages)
    clock: Clock = utc

    async def run(self) -> None:
        """Opens, works until told to stop, closes in the reverse order: loops finish their batch and commit first."""
        self.condition.waiting["start"] = "starting"
        self.metrics.ready.set_function(self.condition.ready)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serve(self.settings.http, self.pages, self.metrics, self.condition))
            log = KafkaLog(self.settings.kafka)
            stack.push_async_callback(log.close)
            ignoring = Ignoring(lambda reason: self.metrics.ignored.labels(reason).inc())
            directory = Directory(self._roots(), self.clock, ignoring=ignoring)
            keys = self._key_rings()
            await self._patient(lambda: log.require(*self._needed()), "the log")
            opened = [await self._opened(stack, service, log, directory, keys) for service in self.running]
            table = await self._patient(lambda: stack.enter_async_context(log.table(topics.directory)), "the directory")
            caught_up = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(follow(directory, table, caught_up)),
                    tasks.create_task(self._refresh(keys.values(), directory)),
                    *(
                        tasks.create_task(self._tick(tick, service, held, log))
                        for service, held in opened
                        for tick in service.ticks
                    ),
                ]
                await self._directed(directory, caught_up)
                await self._work(opened, log, directory)
                for task in background:
                    task.cancel()

    def _needed(self) -> tuple[list[Topic], list[tuple[str, Topic]]]:
        """Topics, and the groups with an offset on them."""
        around = {topic for service in self.running for topic in (*service.reads, *service.writes)}
        groups = [(service.group(topic), topic) for service in self.running for topic in service.reads]
        always = [topics.directory, topics.record_quarantined]
        return [*always, *sorted(around - {*always}, key=str)], groups

    async def _opened(
        self, stack: AsyncExitStack, service: Service, log: Log, directory: Directory, keys: dict[str, KeyRings]
    ) -> tuple[Service, Any]:
        clock = directory.clock
        held = keys.get(service.ring) or KeyRings(self.settings.keys, b"", "")
        environment = Environment(
            service.name, self.settings, directory, held, log, clock, metrics=self.metrics, partition=partition_of
        )
        resources = await self._patient(lambda: stack.enter_async_context(service.resources(environment)), service.name)
        if service.application is not None:
            self.pages.application = service.application(resources)
        return service, resources

    async def _work(self, opened: Sequence[tuple[Service, Any]], log: Log, directory: Directory) -> None:
        stages = [
            Stage(service, topic, step, held) for service, held in opened for topic, step in service.reads.items()
        ]
        chain = chain_of(stages, self.running, self.services, self.metrics, self._quarantine_key())
        loops = [self._loop(stage, chain, log, directory) for stage in stages]
        del self.condition.waiting["start"]
        gc.collect()
        gc.freeze()  # directory, rules and key rings stay: no collection need look through them again
        gc.set_threshold(20_000, 20, 20)  # a batch of messages lives for a moment: looking through it finds nothing
        names = [service.name for service in self.running]
        structlog.get_logger().info("started", services=names, edition=directory.edition)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.stopping.wait())
            for loop in loops:
                tasks.create_task(loop.run())

    def _loop(self, stage: Stage, chain: Chain, log: Log, directory: Directory) -> Loop:
        quarantine = Quarantine(self._quarantine_key(), stage.service.name, directory.clock)
        return Loop(stage, chain, log, directory, self.metrics, self.condition, quarantine, self.stopping)

    def _quarantine_key(self) -> QuarantineKey:
        return read_key(self.settings.keys)

    async def _directed(self, directory: Directory, caught_up: asyncio.Event) -> None:
        """Every record of the directory is folded, and a recent beat says that none is missing."""
        directed = any(service.directed for service in self.running)

        async def complete() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(caught_up.wait(), 1)
            if not caught_up.is_set() or (directed and not directory.fresh()):
                raise Unavailable("the directory is not complete: has the hub started, and is it published?")

        await self._patient(complete, "the directory")

    async def _patient(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        """Tries until it works; says what it waits for; gives up after the limit."""
        deadline = asyncio.get_running_loop().time() + self.settings.patience
        pause = Pause()
        while not self.stopping.is_set():
            try:
                return await attempt()
            except (Unavailable, Misconfigured, MissingKey) as error:
                self.condition.waiting["start"] = f"{what}: {error}"
                structlog.get_logger().warning("waiting", waiting_for=f"{what}: {error}")
                if asyncio.get_running_loop().time() > deadline:
                    raise Misconfigured(f"gave up after {self.settings.patience:.0f} s: {what}: {error}") from None
            await pause.wait(self.stopping)
        raise Stopped

    def _roots(self) -> EnrolledRoots:
        roots = EnrolledRoots(self.settings.roots)
        roots.refresh()
        return roots

    def _key_rings(self) -> dict[str, KeyRings]:
        names = {service.ring for service in self.running if service.ring}
        secret = rings.read_key_encryption_key(self.settings.key_encryption_key) if names else b""
        held = {name: KeyRings(self.settings.keys, secret, name) for name in names}
        for ring in held.values():
            ring.refresh()
        return held

    async def _refresh(self, keys: Any, directory: Directory) -> None:
        while True:
            await asyncio.sleep(RINGS_EVERY)
            for ring in keys:
                ring.refresh()
            self.metrics.edition.set(directory.edition)

    async def _tick(self, tick: Tick, service: Service, held: Any, log: Log) -> None:
        while True:
            try:
                emits = await tick.due(held)
                await log.publish([(emit.topic, emit.message) for emit in emits])
                self.condition.waiting.pop(f"{service.name}/tick", None)
            except Unavailable as reason:
                self.condition.waiting[f"{service.name}/tick"] = str(reason)
                structlog.get_logger().warning("waiting", service=service.name, waiting_for=str(reason))
            except Misconfigured:
                raise
            except Exception as error:  # a bug, as in a step: it is tried again, and /ready turns red
                self.condition.waiting[f"{service.name}/tick"] = f"tick failed: {type(error).__name__}"
                structlog.get_logger().error(
                    "tick failed", service=service.name, error=type(error).__name__, reason=place(error)
                )
            await asyncio.sleep(tick.seconds)


def chain_of(
    stages: Sequence[Stage],
    running: Sequence[Service],
    services: Sequence[Service],
    metrics: Metrics,
    release: QuarantineKey | None = None,
) -> Chain:
    """Which topics are skipped in this layout, and to whom their batches are handed."""
    every: set[Topic] = {topic for service in services for topic in (*service.reads, *service.writes)}
    handed = {
        topic: [stage for stage in stages if stage.topic == topic]
        for topic in every
        if skipped(topic, running, services)
    }
    return Chain(frozenset(topic for topic in every if within_block(topic, services)), handed, metrics, release)


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


@asynccontextmanager
async def nothing(environment: Environment) -> AsyncIterator[Environment]:
    """Resources of a service that needs only what the runtime hands in."""
    yield environment
