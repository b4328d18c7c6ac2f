"""The log in memory with what a cluster does to its clients: answers lost, half of a batch written, members displaced.

A member that was displaced does not know it yet: it reads and publishes on, and its commits are refused, while another has
its partitions (a zombie). Every commit is held against what was really caused: nothing may be committed before.
"""

import asyncio
import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.message import Message, Position
from schemas.topics import Topic
from services.runtime.attempts import Note
from services.runtime.log import NONE
from services.runtime.memory import MemoryLog, MemoryReader, MemoryTable, _rebalance
from tests.simulation.database import Access

Partition = tuple[str, str, int]
"""(group, topic, number)"""


@dataclass
class Cluster(MemoryLog):
    """What all processes share."""

    chance: random.Random = field(default_factory=random.Random)
    small: float = 0.0
    """How often a batch has one or two messages, however many there are."""
    idle: float = 0.0
    """Seconds that a member without anything to commit waits longer than told: it saves wakings without a deed."""
    caused: dict[Partition, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Offsets of which everything that followed was acknowledged to a member of the group."""
    premature: list[str] = field(default_factory=list)
    """Commits of what was merely read."""
    trace: Any = field(default_factory=hashlib.sha256)
    """What was published, where and when."""
    _checked: dict[Partition, int] = field(default_factory=lambda: defaultdict(int))
    _waiting: dict[str, list[asyncio.Future[None]]] = field(default_factory=lambda: defaultdict(list))
    _versions: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def append(self, topic: Topic, message: Message) -> None:
        """One record, for whoever waits for this topic."""
        self._append(topic, message)
        self.trace.update(f"{asyncio.get_running_loop().time()} {topic} {message.key} {len(message.value)}\n".encode())
        self._versions[topic.name] += 1
        for waiting in self._waiting.pop(topic.name, ()):
            _arrived(waiting)

    def version(self, topic: Topic) -> int:
        """Rises with every record."""
        return self._versions[topic.name]

    async def arrival(self, topic: Topic, seconds: float) -> None:
        """Until something is published on this topic, or `seconds` have passed."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()
        self._waiting[topic.name].append(waiting)
        timer = loop.call_later(seconds, _arrived, waiting)
        try:
            await waiting
        finally:
            timer.cancel()

    def commit(self, group: str, topic: Topic, partition: int, offset: int, note: Note) -> None:
        place = (group, topic.name, partition)
        for one in range(self._checked[place], offset):
            if one not in self.caused[place]:
                self.premature.append(f"{group} committed {topic}/{partition}/{one} before what it caused")
        self._checked[place] = max(self._checked[place], offset)
        super().commit(group, topic, partition, offset, note)

    def lag(self, groups: Sequence[tuple[str, Topic]]) -> dict[str, int]:
        """What each group has yet to do; nothing that is zero."""
        left: dict[str, int] = defaultdict(int)
        ends: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (topic, number), records in self._records.items():
            ends[topic].append((number, len(records)))
        for group, read in groups:
            for number, end in ends[read.name]:
                left[group] += end - self.offset(group, read, number)
        return {group: count for group, count in left.items() if count}


class Member(MemoryReader):
    """A reader that may be displaced, and that takes batches of any size."""

    def __init__(self, cluster: Cluster, group: str, topic: Topic, access: Access) -> None:
        super().__init__(cluster, group, topic)
        self._cluster, self._access = cluster, access
        self._empty_at = -1
        self._rejoins: float | None = None
        self._settled: dict[int, tuple[int, Note]] = {}

    def assign(self, partitions: Sequence[int]) -> None:
        self._empty_at, self._settled = -1, {}
        super().assign(partitions)

    def rewind(self) -> None:
        self._empty_at = -1
        super().rewind()

    def displace(self, seconds: float) -> None:
        """The group goes on without this member, which finds out so much later."""
        members = self._cluster._members[self._group, self._topic.name]
        if self._rejoins is None and self in members:
            members.remove(self)
            self._rejoins = asyncio.get_running_loop().time() + seconds
            _rebalance(members, self._topic)

    def rejoin(self) -> None:
        """It begins again where the group stands."""
        if self._rejoins is not None:
            self._rejoins = None
            members = self._cluster._members[self._group, self._topic.name]
            members.append(self)
            _rebalance(members, self._topic)

    async def read(self, limit: int, wait: float, more: bool = False) -> list[Message]:
        if self._rejoins is not None and asyncio.get_running_loop().time() >= self._rejoins:
            self.rejoin()
        batch = self._taken(limit)
        if not batch and wait:
            await self._cluster.arrival(self._topic, wait if self._due(Note(self._who)) else wait + self._cluster.idle)
            batch = self._taken(limit)
        if batch or not wait:
            await self._access.spoken("read")
        return batch

    def _due(self, note: Note) -> bool:
        return any(self._settled.get(number) != (offset, note) for number, offset in self._done.items())

    def _taken(self, limit: int) -> list[Message]:
        version = self._cluster.version(self._topic)
        if self._empty_at == version:
            return []
        drawn = self._cluster.chance.random()
        batch = self._take(limit if drawn >= self._cluster.small else 1 + int(drawn * 3 < self._cluster.small))
        if not batch:
            self._empty_at = version
        return batch

    async def begin(self) -> Mapping[int, Note]:
        await self._access.spoken("begin offsets")
        return {} if self._rejoins is not None else await super().begin()

    async def commit(self, attempts: Mapping[Position, int] = NONE) -> None:
        if attempts or self._due(Note(self._who)):
            await self._access.spoken("commit offsets")
            if self._rejoins is None:
                await super().commit(attempts)
                self._settled = {} if attempts else self._settled

    def settle(self, note: Note) -> None:
        """What has changed; of a member that was displaced nothing."""
        if self._rejoins is None:
            for number, offset in self._done.items():
                if self._settled.get(number) != (offset, note):
                    self._log.commit(self._group, self._topic, number, offset, note)
                    self._settled[number] = (offset, note)


class LateTable(MemoryTable):
    """The directory's topic, which may be behind for a while."""

    def __init__(self, cluster: Cluster, topic: Topic, access: Access) -> None:
        super().__init__(cluster, topic)
        self._cluster, self._access = cluster, access
        self.until = 0.0

    async def read(self, wait: float) -> list[Message]:
        loop = asyncio.get_running_loop()
        if loop.time() < self.until:
            await asyncio.sleep(wait)
            return []
        if not self._log.after(self._topic, 0, self._next):
            await self._cluster.arrival(self._topic, wait)
        if loop.time() < self.until:
            return []
        batch = self._log.after(self._topic, 0, self._next)
        self._next += len(batch)
        return batch


def _arrived(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)
