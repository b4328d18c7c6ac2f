"""Where work enters it is gathered: what is read together stays together on its whole way.

A step costs nearly as much for one message as for ten, and a dozen or two follow. Messages that come one by one would fill
the processor at a quarter of what it can do, and each would wait at every hop for the batches of all the others. So the
entrance reads on only after a multiple of what its last batch took, which grows with the load. Nobody else waits.

A partition that brings more than all others together waits by itself, and the others without it, each by its part of what
the batch took: so one agency's flood is gathered, and those who bring little pass.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.message import Message
from services.runtime.log import Reader

TIMES: Final = 10.0
"""The way behind the entrance is about so many times as long as its own step."""
LONGEST: Final = 0.25
"""Seconds that an entrance waits at most."""
SOON: Final = 0.01
"""Seconds that it then waits for the client's second answer."""
HALF_LIFE: Final = 1.0
"""Seconds after which what a partition has brought counts half."""


@dataclass
class Brought:
    """How many messages each partition has brought lately."""

    _counts: dict[int, float] = field(default_factory=dict)
    _noted: float = 0.0

    def note(self, messages: Sequence[Message]) -> None:
        """These have come just now."""
        now = time.monotonic()
        faded = 0.5 ** ((now - self._noted) / HALF_LIFE)
        came = Counter(_partition(message) for message in messages)
        self._counts = {one: self._counts.get(one, 0.0) * faded + came[one] for one in self._counts.keys() | came}
        self._noted = now

    def most(self) -> int | None:
        """The partition that has brought more than all others together."""
        half = sum(self._counts.values()) / 2
        return next((one for one, count in self._counts.items() if count > half), None)


@dataclass
class Part:
    """Those who wait together: how many of the batch in hand are theirs, and when they may enter again."""

    count: int = 0
    due: float = 0.0

    def done(self, of: int, taken: float, now: float) -> None:
        """They were so many of a batch that took so long. Behind a lone one there is no crowd."""
        if self.count:
            self.due = now + (min(LONGEST, TIMES * taken * self.count / of) if self.count > 1 else 0.0)


@dataclass
class Gathering:
    """How one loop reads; `limit` is the messages of a full batch, which never waits."""

    reader: Reader
    entrance: bool
    limit: int
    _brought: Brought = field(default_factory=Brought)
    _flood: Part = field(default_factory=Part)
    _others: Part = field(default_factory=Part)
    _held: list[Message] = field(default_factory=list)
    """What the flood has brought before its time."""
    _assignments: int = 0
    _read: float = 0.0

    async def read(self, wait: float) -> list[Message]:
        """As `Reader.read`, after the pause that is due; nothing, if what has come is still to wait."""
        if not self.entrance:
            return await self.reader.read(self.limit, wait)
        due = min(self._others.due, self._flood.due) if self._held else self._others.due
        pause = due - time.monotonic()
        await asyncio.sleep(max(0.0, pause))
        messages = await self._came(self._patience(wait), pause > 0)
        self._read = time.monotonic()
        return self._released(messages)

    async def more(self) -> list[Message]:
        """All that there is, to be added to the batch in hand."""
        held, self._held = self._held, []
        messages = await self.reader.read(self.limit, 0, more=True)
        return messages if self._anew() else held + messages

    def done(self, count: int) -> None:
        """So many were read last, and are done."""
        now = time.monotonic()
        if self.entrance and count < self.limit:
            for part in (self._flood, self._others):
                part.done(count, now - self._read, now)

    def _patience(self, wait: float) -> float:
        return min(wait, max(SOON, self._flood.due - time.monotonic())) if self._held else wait

    async def _came(self, wait: float, paused: bool) -> list[Message]:
        """A client fetches one answer ahead, so that after a pause the first has what came first, and the rest follows at
        once. If the partitions are assigned anew while something is in hand, all of it is read again."""
        held = bool(self._held)
        messages = await self.reader.read(self.limit - len(self._held), wait, more=held)
        if self._anew():
            return self._dropped() if held else messages
        if paused and 0 < len(messages) < self.limit:
            messages = messages + await self.reader.read(self.limit - len(messages), SOON, more=True)
            if self._anew():
                return self._dropped()
        return messages

    def _anew(self) -> bool:
        """Whether the partitions were assigned anew; then what was held and known of them is gone."""
        if self.reader.assignments == self._assignments:
            return False
        self._assignments, self._held, self._brought = self.reader.assignments, [], Brought()
        return True

    def _dropped(self) -> list[Message]:
        self.reader.rewind()
        return []

    def _released(self, messages: Sequence[Message]) -> list[Message]:
        """All, or all but those of a flood whose time has not come: before half a batch of it has gathered."""
        flood, all_ = self._brought.most(), [*self._held, *messages]
        self._brought.note(messages)
        theirs = [message for message in all_ if _partition(message) == flood]
        if self._read >= self._flood.due or 2 * len(theirs) > self.limit:
            self._held, batch = [], all_
        else:
            self._held, batch = theirs, [message for message in all_ if _partition(message) != flood]
        self._flood.count = len(theirs) - len(self._held)
        self._others.count = len(batch) - self._flood.count
        return batch


def _partition(message: Message) -> int:
    return message.position.partition
