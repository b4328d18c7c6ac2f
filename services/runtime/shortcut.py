"""When a batch may be handed on directly: as soon as nothing of the skipped topic is left in the log.

Another layout, or another member of the group, may have published messages that are not done yet. Handing the next ones on
would overtake them. Until they are done this reader's batches go through the log as well; that is always right.
"""

import time
from collections.abc import Collection, Mapping, Sequence
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
    _onward: list[Topic] = field(default_factory=list)
    _skipping: Sequence[Topic] = ()

    async def topics(self, reader: Reader) -> Collection[Topic]:
        """To be asked between two batches, when all that this reader caused is acknowledged."""
        if reader.assignments != self._assignments:
            self._assignments, self._looked = reader.assignments, 0
            self._onward, self._skipping = self.chain.onward(self.stage), ()
        left = [topic for topic in self._onward if topic not in self._skipping]
        if left and time.monotonic() - self._looked >= LOOK_EVERY:
            if seen := await self._empty(left):
                seen |= await self._empty(self._skipping)
                # Which have got nothing until all had been seen were empty at one moment: nothing is on its way between them.
                self._skipping = [topic for topic, ends in seen.items() if await self.log.ends(topic) == ends]
            self._looked = time.monotonic()
        return self._skipping

    async def _empty(self, topics: Sequence[Topic]) -> dict[Topic, dict[int, int]]:
        """Those of which nothing is left, with their ends."""
        looked = [(topic, await self.log.ends(topic)) for topic in topics]
        return {topic: ends for topic, ends in looked if await self._is_done(topic, ends)}

    async def _is_done(self, topic: Topic, ends: Mapping[int, int]) -> bool:
        groups = [following.service.group(topic) for following in self.chain.skipped[topic]]
        done = [await self.log.committed(group, topic) for group in groups]
        return all(offsets.get(number, -1) >= end for offsets in done for number, end in ends.items())
