"""One loop per topic read: read, step, publish, wait for the acknowledgement, then commit explicit offsets.

At least once: nothing is committed before what it caused is acknowledged (architecture section 4.1).
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from schemas.message import Message, Position
from schemas.topics import Topic
from services.runtime.attempts import Note
from services.runtime.chain import Chain, Stage
from services.runtime.directory import Directory
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.gathering import Gathering
from services.runtime.log import Log, Reader, size
from services.runtime.logging import Failure
from services.runtime.metrics import Metrics
from services.runtime.quarantine import Quarantine, returned
from services.runtime.shortcut import Shortcut
from services.runtime.trial import ATTEMPTS, KILLED, Aside, Stuck, Trial

BATCH: Final = 500
"""Messages a batch at most: at 2 KB each a megabyte, and few enough that no transaction is long."""
LARGEST: Final = 20 * BATCH
"""Messages held while none of them can be done."""
LARGEST_BYTES: Final = 64 * 1024 * 1024
"""Of those messages; beyond either nothing more is read until one can be done."""
COMMIT_EVERY: Final = 0.5
"""Seconds between offset commits: by time, not by batch, since each costs a loop as much as a small batch; a redelivery is
harmless."""
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""Seconds between attempts. That an outage is over is noticed by the next, so it makes the first message so late."""


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
    quarantine: Quarantine
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
                group, seldom = self.stage.service.group(self.stage.topic), self.stage.topic in self.chain.skipped
                async with self.log.reader(group, self.stage.topic, seldom) as reader:
                    await self._follow(reader, pause)
            except Unavailable as reason:
                self._waiting(reason)
                await pause.wait(self.stopping)
            except Misconfigured:
                raise
            except Exception as error:  # of the client's: it joins anew
                self._failed(Failure.of(error), 0)
                await pause.wait(self.stopping)

    async def _follow(self, reader: Reader, pause: "Pause") -> None:
        shortcut = Shortcut(self.stage, self.chain, self.log)
        gathering = Gathering(reader, self.stage.topic in self.stage.service.gathers, BATCH)
        committed, assignment = time.monotonic(), 0
        trial: Trial | None = None
        while not self.stopping.is_set():
            batch = await gathering.read(COMMIT_EVERY)
            if reader.assignments != assignment:
                assignment = reader.assignments
                trial = self._suspicious(reader, await reader.begin())
            skipping = await shortcut.topics(reader)
            due = time.monotonic() - committed >= COMMIT_EVERY
            if batch:
                await self._handle(gathering, batch, skipping, trial, assignment)
                gathering.done(len(batch))
                due, trial = due or trial is not None, None  # no noted attempt outlives its trial: others may kill next
            if due:
                await reader.commit()
                committed = time.monotonic()
            if reader.assignments:
                self.condition.waiting.pop(self.name, None)
            pause.reset()

    def _suspicious(self, reader: Reader, notes: Mapping[int, Note]) -> Trial | None:
        """Somebody was at work here and did not leave in order: the first batch goes message by message, and is counted."""
        if not any(note.who for note in notes.values()):
            return None
        ended = {
            Position(self.stage.topic.name, number, offset): count
            for number, note in notes.items()
            for offset, count in note.attempts.items()
        }
        return Trial(reader.commit, reader.done, self._company(), ended)

    def _company(self) -> Callable[[], bool]:
        """Inside a block batches may reach the step without the log: what passes it from now on shows that it works."""
        before = self.chain.done(self.stage)
        return lambda: self.chain.done(self.stage) > before

    async def _handle(
        self,
        gathering: Gathering,
        batch: Sequence[Message],
        skipping: Collection[Topic],
        trial: Trial | None,
        assignment: int,
    ) -> None:
        """Tries a batch until it is done, or until the process stops or the assignment is over under which it was read: then
        it is read again by whoever has the partitions."""
        pause, messages = Pause(), list(batch)
        one, aside = partial(self._one, skipping), partial(self._set_aside, skipping)
        while not self.stopping.is_set() and gathering.reader.assignments == assignment:
            try:
                if trial is None:
                    await self._attempt(messages, skipping)
                else:
                    await trial.run(messages, one, aside)
            except Unavailable as reason:
                self._waiting(reason)
            except Misconfigured:
                raise
            except Stuck as stuck:  # nothing is lost, /ready turns red; what comes after may show whose fault it is
                self._failed(stuck.failure, len(messages))
                if len(messages) < LARGEST and sum(map(size, messages)) < LARGEST_BYTES:
                    messages += await gathering.more()
            except Exception as error:  # a bug, or a message that the step does not foresee
                self._failed(Failure.of(error), len(messages))
                trial = trial or Trial(_unnoted, gathering.reader.done, self._company(), {})
            else:
                gathering.reader.done(messages)
                return
            await pause.wait(self.stopping)
        gathering.reader.rewind()

    async def _attempt(self, batch: Sequence[Message], skipping: Collection[Topic]) -> None:
        if self.stage.service.directed:
            self.directory.require_fresh()
        passed: list[Stage] = []
        await self.log.publish(await self.chain.run(self.stage, batch, skipping, passed))
        self.chain.count(passed)

    async def _one(self, skipping: Collection[Topic], message: Message) -> None:
        await self._attempt([message], skipping)

    async def _set_aside(self, skipping: Collection[Topic], failed: Sequence[Aside]) -> None:
        """Into quarantine; and if its service has something to say to the askers, that is said."""
        topic = self.stage.topic
        records = [
            self.quarantine.record(returned(message, self.chain.release), why, ATTEMPTS, self._source(message))
            for message, why in failed
        ]
        await self.log.publish(records)
        self.metrics.aside.labels(self.stage.service.name, topic.name).inc(len(failed))
        for message, why in failed:
            if why != KILLED:  # reading it once more could kill once more, and for ever
                await self._tell(skipping, message)

    def _source(self, message: Message) -> str:
        return self.chain.entered(self.stage.topic, message).source

    async def _tell(self, skipping: Collection[Topic], message: Message) -> None:
        told = self.stage.service.aside.get(self.stage.topic)
        if told is None:
            return
        try:
            await self.log.publish(await self.chain.run(replace(self.stage, step=told), [message], skipping))
        except (Unavailable, Misconfigured):
            raise
        except Exception as error:  # what cannot be read cannot be answered
            self._count(type(error).__name__)

    def _waiting(self, reason: Unavailable) -> None:
        self.condition.waiting[self.name] = str(reason)
        self._count("unavailable")
        structlog.get_logger().warning("waiting", where=self.name, waiting_for=str(reason))

    def _failed(self, failure: Failure, count: int) -> None:
        self.condition.waiting[self.name] = f"step failed: {failure.error}"
        self._count(failure.error)
        said = {"error": failure.error, "reason": failure.place}
        structlog.get_logger().error("step failed", where=self.name, count=count, **said)

    def _count(self, error: str) -> None:
        self.metrics.retries.labels(self.stage.service.name, self.stage.topic.name, error).inc()


async def _unnoted(_: Mapping[Position, int]) -> None:
    """Attempts at a batch that has failed in this process need no note: it is alive."""


@dataclass
class Pause:
    """Waits that double up to a limit, and end at once when the process stops."""

    seconds: float = SHORTEST_PAUSE

    async def wait(self, stopping: asyncio.Event) -> None:
        """Returns as soon as `stopping` is set."""
        try:
            await asyncio.wait_for(stopping.wait(), self.seconds)
        except TimeoutError:
            self.seconds = min(LONGEST_PAUSE, self.seconds * 2)

    def reset(self) -> None:
        """Something has worked: the next pause is short again."""
        self.seconds = SHORTEST_PAUSE
