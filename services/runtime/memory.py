"""A log in memory, for tests and simulation: the same order, offsets, groups and redelivery as the real one."""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from schemas.message import Message, Position
from schemas.topics import Topic
from services.runtime.attempts import LEFT, Note, somebody_new
from services.runtime.clock import Clock
from services.runtime.log import NONE, Reader, TableReader, require_size


@dataclass
class MemoryLog:
    """Topics as lists. Every topic is there, and every group begins at the beginning."""

    clock: Clock
    _records: dict[tuple[str, int], list[Message]] = field(default_factory=lambda: defaultdict(list))
    _committed: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    _notes: dict[tuple[str, str, int], Note] = field(default_factory=lambda: defaultdict(Note))
    _members: dict[tuple[str, str], list["MemoryReader"]] = field(default_factory=lambda: defaultdict(list))
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def require(self, topics: Sequence[Topic], groups: Sequence[tuple[str, Topic]]) -> None:
        """Nothing can be missing."""

    @asynccontextmanager
    async def reader(self, group: str, topic: Topic, seldom: bool = False) -> AsyncIterator[Reader]:
        member = MemoryReader(self, group, topic)
        members = self._members[group, topic.name]
        members.append(member)
        _rebalance(members, topic)
        try:
            yield member
            member.settle(LEFT)
        finally:
            members.remove(member)
            _rebalance(members, topic)

    @asynccontextmanager
    async def table(self, topic: Topic) -> AsyncIterator[TableReader]:
        yield MemoryTable(self, topic)

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        require_size(records)
        async with self._arrived:
            for topic, message in records:
                self._append(topic, message)
            self._arrived.notify_all()

    def _append(self, topic: Topic, message: Message) -> None:
        partition = zlib.crc32(message.key.encode()) % topic.partitions
        stored = self._records[topic.name, partition]
        position = Position(topic.name, partition, len(stored))
        stored.append(replace(message, source="", position=position, time=int(self.clock().timestamp() * 1000)))

    async def ends(self, topic: Topic) -> dict[int, int]:
        return {number: len(self.after(topic, number, 0)) for number in range(topic.partitions)}

    async def committed(self, group: str, topic: Topic) -> dict[int, int]:
        return {number: self._committed[group, topic.name, number] for number in range(topic.partitions)}

    def commit(self, group: str, topic: Topic, partition: int, offset: int, note: Note) -> None:
        """What a group's reader says is done, and notes beside it."""
        self._committed[group, topic.name, partition] = offset
        self._notes[group, topic.name, partition] = note

    def offset(self, group: str, topic: Topic, partition: int) -> int:
        """Where a group's reader begins."""
        return self._committed[group, topic.name, partition]

    def note(self, group: str, topic: Topic, partition: int) -> Note:
        """What stands beside that offset."""
        return self._notes[group, topic.name, partition]

    def after(self, topic: Topic, partition: int, offset: int) -> list[Message]:
        """The records of a partition from `offset` on."""
        return self._records[topic.name, partition][offset:]

    def all(self, topic: Topic) -> list[Message]:
        """Every record of a topic, partition by partition."""
        return [message for number in range(topic.partitions) for message in self.after(topic, number, 0)]

    async def wait(self, seconds: float) -> None:
        """Until something is published, or `seconds` have passed."""
        async with self._arrived:
            try:
                await asyncio.wait_for(self._arrived.wait(), seconds)
            except TimeoutError:
                return


class MemoryReader:
    """A member of a group. Of each of its partitions it knows up to where all is done, and up to where it has read."""

    def __init__(self, log: MemoryLog, group: str, topic: Topic) -> None:
        self.assignments = 0
        self._log, self._group, self._topic, self._who = log, group, topic, somebody_new()
        self._done: dict[int, int] = {}
        self._next: dict[int, int] = {}

    def assign(self, partitions: Sequence[int]) -> None:
        """A rebalance: reading starts at the committed offsets, and what was in flight is no longer this member's."""
        self.assignments += 1
        self._done = {number: self._log.offset(self._group, self._topic, number) for number in partitions}
        self._next = dict(self._done)

    async def read(self, limit: int, wait: float, more: bool = False) -> list[Message]:
        batch = self._take(limit)
        if not batch:
            await self._log.wait(wait)
            batch = self._take(limit)
        return batch

    def _take(self, limit: int) -> list[Message]:
        """Of each partition its share; what one leaves of it goes to those that have more."""
        batch: list[Message] = []
        crowded = list(self._next)
        while crowded and len(batch) < limit:
            share, sharing, crowded = max(1, (limit - len(batch)) // len(crowded)), crowded, []
            for partition in sharing:
                taken = self._taken_from(partition, min(share, limit - len(batch)))
                batch += taken
                crowded += [partition] * (len(taken) == share)
        return batch

    def _taken_from(self, partition: int, most: int) -> list[Message]:
        taken = self._log.after(self._topic, partition, self._next[partition])[:most]
        self._next[partition] += len(taken)
        return taken

    def done(self, messages: Sequence[Message]) -> None:
        for message in messages:
            partition, offset = message.position.partition, message.position.offset
            if self._done.get(partition, 0) <= offset < self._next.get(partition, 0):
                self._done[partition] = offset + 1

    async def begin(self) -> Mapping[int, Note]:
        found = {number: self._log.note(self._group, self._topic, number) for number in self._done}
        notes = {number: LEFT if note.who == self._who else note for number, note in found.items()}
        self.settle(Note(self._who))
        return notes

    async def commit(self, attempts: Mapping[Position, int] = NONE) -> None:
        self.settle(Note(self._who))
        for number in {position.partition for position in attempts} & self._done.keys():
            counted = {position.offset: count for position, count in attempts.items() if position.partition == number}
            note = Note(self._who, counted)
            self._log.commit(self._group, self._topic, number, self._done[number], note)

    def settle(self, note: Note) -> None:
        """Commits at once, as a rebalance does before it takes the partitions away."""
        for partition, offset in self._done.items():
            self._log.commit(self._group, self._topic, partition, offset, note)

    def rewind(self) -> None:
        self._next = dict(self._done)


class MemoryTable:
    """A topic of one partition from its beginning."""

    def __init__(self, log: MemoryLog, topic: Topic) -> None:
        self._log, self._topic = log, topic
        self._next, self._end = 0, len(log.after(topic, 0, 0))

    async def read(self, wait: float) -> list[Message]:
        if not self._log.after(self._topic, 0, self._next):
            await self._log.wait(wait)
        batch = self._log.after(self._topic, 0, self._next)
        self._next += len(batch)
        return batch

    def caught_up(self) -> bool:
        return self._next >= self._end


def _rebalance(members: Sequence[MemoryReader], topic: Topic) -> None:
    """Every member commits what it has done; then the partitions are shared out anew."""
    for member in members:
        member.settle(LEFT)
    for number, member in enumerate(members):
        member.assign(range(number, topic.partitions, len(members)))
