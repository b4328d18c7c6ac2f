"""The log as a process reaches it: every word may be the last, a batch is written in part, an answer is lost."""

import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from schemas.message import Message, Position
from schemas.topics import Topic, record_quarantined
from services.runtime.attempts import LEFT
from services.runtime.log import Reader, TableReader, require_size
from services.runtime.memory import _rebalance
from tests.simulation.database import Access
from tests.simulation.log import Cluster, LateTable, Member


@dataclass
class Client:
    """The log as one loop of one process reaches it; what its steps have done counts as caused once it is acknowledged."""

    cluster: Cluster
    access: Access
    group: str = ""
    members: list[Member] = field(default_factory=list)
    tables: list[LateTable] = field(default_factory=list)
    stepped: list[Position] = field(default_factory=list)

    async def require(self, topics: Sequence[Topic], groups: Sequence[tuple[str, Topic]]) -> None:
        """Nothing can be missing."""

    @asynccontextmanager
    async def reader(self, group: str, topic: Topic, seldom: bool = False) -> AsyncIterator[Reader]:
        """Whoever leaves in order commits; whoever dies, or leaves by an error, does not."""
        await self.access.spoken("join")
        member = Member(self.cluster, group, topic, self.access)
        members = self.cluster._members[group, topic.name]
        members.append(member)
        self.members.append(member)
        _rebalance(members, topic)
        try:
            yield member
            await self.access.spoken("leave")
            member.settle(LEFT)
        finally:
            self.members.remove(member)
            if member in members:
                members.remove(member)
                _rebalance(members, topic)

    @asynccontextmanager
    async def table(self, topic: Topic) -> AsyncIterator[TableReader]:
        table = LateTable(self.cluster, topic, self.access)
        self.tables.append(table)
        yield table

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        """Each partition gets its records in order, the partitions among each other in any; it may end anywhere."""
        require_size(records)
        stepped, self.stepped = self.stepped, []
        left = self._queues(records)
        while left:
            await self.access.spoken("publish")
            queue = left[int(self.cluster.chance.random() * len(left))]
            self.cluster.append(*queue.pop(0))
            if not queue:
                left.remove(queue)
        await self.access.spoken("published")
        aside = [Position.parse(message.key) for topic, message in records if topic == record_quarantined]
        for position in (*stepped, *aside):
            self.cluster.caused[self.group, position.topic, position.partition].add(position.offset)

    def _queues(self, records: Sequence[tuple[Topic, Message]]) -> list[list[tuple[Topic, Message]]]:
        queues: dict[tuple[str, int], list[tuple[Topic, Message]]] = defaultdict(list)
        for topic, message in records:
            partition = zlib.crc32(message.key.encode()) % topic.partitions
            queues[topic.name, partition].append((topic, message))
        return list(queues.values())

    async def ends(self, topic: Topic) -> dict[int, int]:
        await self.access.spoken("ends")
        return await self.cluster.ends(topic)

    async def committed(self, group: str, topic: Topic) -> dict[int, int]:
        await self.access.spoken("committed offsets")
        return await self.cluster.committed(group, topic)
