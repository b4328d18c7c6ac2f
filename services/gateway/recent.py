"""What was published and may not be accepted yet: it closes the time in which exchange's view does not know an id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

from services.runtime.errors import Unavailable
from services.runtime.wrapping import Bounded

Place = tuple[str, str]
"""(agency, id)"""
SIZE: Final = 100_000
"""Requests; acceptance takes well under a second, and what is forgotten before is refused by exchange."""
TURN_SECONDS: Final = 20.0
"""How long a request waits for another with its id; longer than the log takes to fail."""


@dataclass
class Recent:
    """Digests of what was published here, by place; of each place one request at a time is judged and published."""

    published: Bounded[Place, bytes] = field(default_factory=lambda: Bounded(SIZE))
    _turns: "WeakValueDictionary[Place, asyncio.Lock]" = field(default_factory=WeakValueDictionary)

    @asynccontextmanager
    async def turn(self, place: Place) -> AsyncIterator[None]:
        """Until left no other request with this id goes on; `Unavailable` if the one before takes too long."""
        lock = self._turns.setdefault(place, asyncio.Lock())
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable("another request with this id is being published") from None
        try:
            yield
        finally:
            lock.release()
