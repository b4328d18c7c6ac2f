"""A batching delay where work enters: messages that are read together stay together on their whole way.

A step costs nearly as much for one message as for ten, and a dozen or two follow. Messages that enter one by one would fill
the processor at a quarter of its throughput, and each would wait at every hop for the batches of all others. So the entrance
reads its next batch only after a delay that is a multiple of the time of its last batch: it grows with the load. A single
message is not delayed, and no other topic is.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from schemas.message import Message
from services.runtime.log import Reader

TIMES: Final = 10.0
"""Estimated cost of the whole pipeline relative to its first step."""
LONGEST: Final = 0.25
"""Longest delay, in seconds."""
SOON: Final = 0.01
"""Seconds that an entrance waits for the client's second answer after a delay."""


@dataclass
class Gathering:
    """Reads batches for one loop; `limit` is the messages of a full batch, which is never followed by a delay."""

    reader: Reader
    entrance: bool
    limit: int
    _due: float = 0.0
    _read: float = 0.0

    async def read(self, wait: float) -> list[Message]:
        """As `Reader.read`, after the delay that is due."""
        if not self.entrance:
            return await self.reader.read(self.limit, wait)
        delay = self._due - time.monotonic()
        await asyncio.sleep(max(0.0, delay))
        messages = await (self._both_answers(wait) if delay > 0 else self.reader.read(self.limit, wait))
        self._read = time.monotonic()
        return messages

    async def more(self) -> list[Message]:
        """All that there is, to be added to the batch in hand."""
        return await self.reader.read(self.limit, 0, more=True)

    def done(self, count: int) -> None:
        """The last batch, of `count` messages, is done."""
        now = time.monotonic()
        if self.entrance and 1 < count < self.limit:
            self._due = now + min(LONGEST, TIMES * (now - self._read))

    async def _both_answers(self, wait: float) -> list[Message]:
        """A client fetches one answer ahead: after a delay it holds the first messages, and the others follow at once.

        If the partitions are assigned anew between the two, both are read again."""
        messages = await self.reader.read(self.limit, wait)
        assignments = self.reader.assignments
        if 0 < len(messages) < self.limit:
            messages = messages + await self.reader.read(self.limit - len(messages), SOON, more=True)
        if self.reader.assignments != assignments:
            self.reader.rewind()
            return []
        return messages
