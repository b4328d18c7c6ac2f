"""Where work enters it is gathered: what is read together stays together on its whole way.

A step costs nearly as much for one message as for ten, and a dozen or two follow. Messages that come one by one would fill
the processor at a quarter of what it can do, and each would wait at every hop for the batches of all the others. So the
entrance reads on only after a multiple of what its last batch took, which grows with the load. Nobody else waits.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from schemas.message import Message
from services.runtime.log import Reader

TIMES: Final = 10.0
"""The way behind the entrance is about so many times as long as its own step."""
LONGEST: Final = 0.25
"""Seconds that an entrance waits at most."""
SOON: Final = 0.01
"""Seconds that it then waits for the client's second answer."""


@dataclass
class Gathering:
    """How one loop reads; `limit` is the messages of a full batch, which never waits."""

    entrance: bool
    limit: int
    _pause: float = 0.0
    _read: float = 0.0

    async def read(self, reader: Reader, wait: float) -> list[Message]:
        """As `Reader.read`, after the pause that is due."""
        if not self._pause:
            batch = await reader.read(self.limit, wait)
        else:
            await asyncio.sleep(self._pause)
            batch = await self._all(reader, wait)
        self._read = time.monotonic()
        return batch

    def done(self, count: int) -> None:
        """So many were read last, and are done. Behind a lone one there is no crowd."""
        taken = time.monotonic() - self._read
        self._pause = min(LONGEST, TIMES * taken) if self.entrance and 1 < count < self.limit else 0.0

    async def _all(self, reader: Reader, wait: float) -> list[Message]:
        """A client fetches one answer ahead, so that the first has what came first, and the rest follows at once. If the
        partitions were assigned anew in between, what was read before is read again."""
        first = await reader.read(self.limit, wait)
        if not 0 < len(first) < self.limit:
            return first
        assignments = reader.assignments
        second = await reader.read(self.limit - len(first), SOON, more=True)
        return first + second if reader.assignments == assignments else second
