"""One loop per topic read: read, step, publish, wait for the acknowledgement, then commit explicit offsets.

At least once: nothing is committed before what it caused is acknowledged (architecture section 4.1).
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.chain import Chain, Stage
from services.runtime.directory import Directory
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.log import Log, Reader
from services.runtime.logging import place
from services.runtime.metrics import Metrics
from services.runtime.shortcut import Shortcut

BATCH: Final = 500
"""Messages a batch at most: at 2 KB each a megabyte, and few enough that no transaction is long."""
COMMIT_EVERY: Final = 0.2
"""Seconds between offset commits: by time, not by batch, is a tenth more throughput, and a redelivery is harmless."""
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0


@dataclass
class Condition:
    """What keeps the loops of this process from their work, by loop; empty means ready."""

    waiting: dict[str, str] = field(default_factory=dict)

    def ready(self) -> bool:
        return not self.waiting


@dataclass
class Loop:
    """Reads one topic for one service until `stopping` is set."""

    stage: Stage
    chain: Chain
    log: Log
    directory: Directory
    metrics: Metrics
    condition: Condition
    stopping: asyncio.Event

    def __post_init__(self) -> None:
        self.condition.waiting[self.name] = "joining its group"

    @property
    def name(self) -> str:
        return f"{self.stage.service.name}/{self.stage.topic}"

    async def run(self) -> None:
        """Joins the group and stays in it; `Misconfigured` ends the process."""
        pause = Pause()
        while not self.stopping.is_set():
            try:
                async with self.log.reader(self.stage.service.group(self.stage.topic), self.stage.topic) as reader:
                    await self._follow(reader, pause)
            except Unavailable as reason:
                self._waiting(reason)
                await pause.wait(self.stopping)

    async def _follow(self, reader: Reader, pause: "Pause") -> None:
        shortcut = Shortcut(self.stage, self.chain, self.log)
        committed = time.monotonic()
        while not self.stopping.is_set():
            batch = await reader.read(BATCH, COMMIT_EVERY)
            skipping = await shortcut.topics(reader)
            if batch:
                await self._handle(reader, batch, skipping)
            if time.monotonic() - committed >= COMMIT_EVERY:
                await reader.commit()
                committed = time.monotonic()
            if reader.assignments:
                self.condition.waiting.pop(self.name, None)
            pause.reset()

    async def _handle(self, reader: Reader, batch: Sequence[Message], skipping: Collection[Topic]) -> None:
        """Tries a batch until it is done, or until the process stops: then it is read again by whoever comes next."""
        pause = Pause()
        while not self.stopping.is_set():
            try:
                if self.stage.service.directed:
                    self.directory.require_fresh()
                await self.log.publish(await self.chain.run(self.stage, batch, skipping))
            except Unavailable as reason:
                self._waiting(reason)
            except Misconfigured:
                raise
            except Exception as error:  # a bug: nothing is lost, reading stops here, /ready turns red
                self._failed(error, len(batch))
            else:
                reader.done(batch)
                return
            await pause.wait(self.stopping)
        reader.rewind()

    def _waiting(self, reason: Unavailable) -> None:
        self.condition.waiting[self.name] = str(reason)
        self._count("unavailable")
        structlog.get_logger().warning("waiting", where=self.name, waiting_for=str(reason))

    def _failed(self, error: Exception, count: int) -> None:
        kind = type(error).__name__
        self.condition.waiting[self.name] = f"step failed: {kind}"
        self._count(kind)
        structlog.get_logger().error("step failed", where=self.name, error=kind, reason=place(error), count=count)

    def _count(self, error: str) -> None:
        self.metrics.retries.labels(self.stage.service.name, self.stage.topic.name, error).inc()


@dataclass
class Pause:
    """Waits that double up to a limit, and end at once when the process stops."""

    seconds: float = SHORTEST_PAUSE

    async def wait(self, stopping: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(stopping.wait(), self.seconds)
        except TimeoutError:
            self.seconds = min(LONGEST_PAUSE, self.seconds * 2)

    def reset(self) -> None:
        self.seconds = SHORTEST_PAUSE
