"""Loops of one process on a log in memory: a service, what is posted to it, and how far it has come."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from schemas.message import Message, Outcome
from schemas.quarantine import new_key
from schemas.topics import Topic
from services.runtime import loop as loops
from services.runtime import shortcut
from services.runtime.chain import Stage
from services.runtime.directory import Directory
from services.runtime.loop import Condition, Loop, Pause
from services.runtime.memory import MemoryLog
from services.runtime.metrics import Metrics
from services.runtime.process import chain_of, nothing
from services.runtime.quarantine import Quarantine
from services.runtime.service import Service, Step

ENTERING, INSIDE, LEAVING = (Topic(name, "", partitions=3) for name in ("entering", "inside", "leaving"))
KEYS = ["131016", "271004", "401307"]
KEY = new_key()


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """Pauses of a loop are short."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(loops, "Pause", partial(Pause, 0.001))
        monkeypatch.setattr(loops, "COMMIT_EVERY", 0.005)
        monkeypatch.setattr(shortcut, "LOOK_EVERY", 0.01)
        yield


async def carry(messages: Sequence[Message], onward: Any) -> list[Outcome]:
    """A step that carries everything to the topic that is its resource."""
    return [message.carried(onward) for message in messages]


def service(name: str, reads: Topic, writes: Topic, step: Step = carry, directed: bool = False) -> Service:
    return Service(name, "linkage", nothing, reads={reads: step}, writes=[writes], directed=directed)


@dataclass
class Running:
    """The loops of one process on a log in memory."""

    log: MemoryLog
    condition: Condition = field(default_factory=Condition)
    metrics: Metrics = field(default_factory=Metrics)
    directory: Directory = field(default_factory=lambda: Directory({}, clock))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def process(self, running: Sequence[Service], services: Sequence[Service]) -> AsyncIterator[None]:
        """For as long as the block lasts; then the loops are told to stop, and end."""
        stages = [Stage(one, topic, step, one.writes[0]) for one in running for topic, step in one.reads.items()]
        chain = chain_of(stages, running, services, self.metrics, KEY.public)
        async with asyncio.TaskGroup() as tasks:
            for stage in stages:
                aside = Quarantine(KEY.public, stage.service.name, clock)
                own = (stage, chain, self.log, self.directory, self.metrics, self.condition, aside, self.stopping)
                tasks.create_task(Loop(*own).run())
            yield
            self.stopping.set()


def messages(count: int, start: int = 0) -> list[Message]:
    return [Message(key, b"%d" % number, {}) for number in range(start, start + count) for key in KEYS]


async def post(log: MemoryLog, count: int, start: int = 0, topic: Topic = ENTERING) -> None:
    for one in messages(count, start):
        await MemoryLog.publish(log, [(topic, one)])


def firsts(found: Sequence[Message], key: str) -> list[int]:
    """The first deliveries of a key, in their order."""
    return list(dict.fromkeys(int(one.value) for one in found if one.key == key))


def arrived(log: MemoryLog, count: int, topic: Topic = LEAVING) -> Callable[[], bool]:
    return lambda: all(set(firsts(log.all(topic), key)) == set(range(count)) for key in KEYS)


async def done(log: MemoryLog, group: str, topic: Topic) -> bool:
    return await log.committed(group, topic) == await log.ends(topic)
