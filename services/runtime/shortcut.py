"""When a batch may be handed on directly: as soon as nothing of the skipped topic is left in the log.

Another layout, or another member of the group, may have published messages that are not done yet. Handing the next ones on
would overtake them. Until they are done this reader's batches go through the log as well; that is always right.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from schemas.topics import Topic
from services.runtime.chain import Chain, Stage
from services.runtime.log import Log, Reader

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what is left in the log."""


@dataclass
class Shortcut:
    """The topics that one stage's batches skip, judged anew with each assignment of partitions."""

    stage: Stage
    chain: Chain
    log: Log
    _assignments: int = 0
    _looked: float = 0
    _left: list[Topic] = field(default_factory=list)
    _skipping: set[Topic] = field(default_factory=set)

    async def topics(self, reader: Reader) -> Collection[Topic]:
        """To be asked between two batches, when all that this reader caused is acknowledged."""
        if reader.assignments != self._assignments:
            self._assignments, self._looked = reader.assignments, 0
            self._left, self._skipping = self.chain.onward(self.stage), set()
        if self._left and time.monotonic() - self._looked >= LOOK_EVERY:
            # the nearest first: what is left of it goes on to the next
            done = [topic for topic in self._left if await self._is_done(topic)]
            self._skipping |= set(done)
            self._left = [topic for topic in self._left if topic not in done]
            self._looked = time.monotonic()
        return self._skipping

    async def _is_done(self, topic: Topic) -> bool:
        ends = await self.log.ends(topic)
        groups = [following.service.group(topic) for following in self.chain.skipped[topic]]
        done = [await self.log.committed(group, topic) for group in groups]
        return all(offsets.get(number, -1) >= end for offsets in done for number, end in ends.items())
