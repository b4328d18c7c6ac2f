"""One loop per topic read: read, step, publish, wait for the acknowledgement, then commit explicit offsets.

At least once: nothing is committed before what it caused is acknowledged (architecture section 4.1).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from schemas.message import Message
from services.runtime.chain import Chain, Stage
from services.runtime.directory import Directory
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.log import Log, Reader
from services.runtime.logging import place
from services.runtime.metrics import Metrics

BATCH: Final = 500
"""Messages a batch at most: at 2 KB each a megabyte, and few enough that no transaction is long."""
COMMIT_EVERY: Final = 0.2
"""Seconds between offset commits: by time, not by batch, is a tenth more throughput, and a redelivery is harmless."""
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

    async def run(self) -> None:
        """Joins the group and stays in it; `Misconfigured` ends the process."""
        name = f"{self.stage.service.name}/{self.stage.topic}"
        pause = Pause()
        while not self.stopping.is_set():
            try:
                async with self.log.reader(self.stage.service.group(self.stage.topic), self.stage.topic) as reader:
                    await self._follow(reader, name)
            except Unavailable as reason:
                self._waiting(name, reason)
                await pause.wait(self.stopping)

    async def _follow(self, reader: Reader, name: str) -> None:
        committed = time.monotonic()
        while not self.stopping.is_set():
            batch = await reader.read(BATCH, COMMIT_EVERY)
            if batch:
                await self._handle(reader, batch, name)
            if time.monotonic() - committed >= COMMIT_EVERY:
                await reader.commit()
                committed = time.monotonic()

    async def _handle(self, reader: Reader, batch: Sequence[Message], name: str) -> None:
        """Tries a batch until it is done, or until the process stops: then it is read again by whoever comes next."""
        pause = Pause()
        while not self.stopping.is_set():
            try:
                if self.stage.service.directed:
                    self.directory.require_fresh()
                await self.log.publish(await self.chain.run(self.stage, batch))
            except Unavailable as reason:
                self._waiting(name, reason)
            except Misconfigured:
                raise
            except Exception as error:  # a bug: nothing is lost, reading stops here, /ready turns red
                self._failed(name, error, len(batch))
            else:
                self.condition.waiting.pop(name, None)
                reader.done(batch)
                return
            await pause.wait(self.stopping)
        reader.rewind()

    def _waiting(self, name: str, reason: Unavailable) -> None:
        self.condition.waiting[name] = str(reason)
        self._count("unavailable")
        structlog.get_logger().warning("waiting", where=name, waiting_for=str(reason))

    def _failed(self, name: str, error: Exception, count: int) -> None:
        self.condition.waiting[name] = f"step failed: {type(error).__name__}"
        self._count(type(error).__name__)
        structlog.get_logger().error(
            "step failed", where=name, error=type(error).__name__, reason=place(error), count=count
        )

    def _count(self, error: str) -> None:
        self.metrics.retries.labels(self.stage.service.name, self.stage.topic.name, error).inc()


@dataclass
class Pause:
    """Waits that double up to a limit, and end at once when the process stops."""

    seconds: float = 0.1

    async def wait(self, stopping: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(stopping.wait(), self.seconds)
        except TimeoutError:
            self.seconds = min(LONGEST_PAUSE, self.seconds * 2)
