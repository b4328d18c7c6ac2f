"""Message by message: how a batch that failed is tried, and the first one after somebody did not leave in order.

A message that cannot be done is set aside after three attempts, but only once the step has done another: a bad deployment
must not empty a topic into quarantine (architecture section 4).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from schemas.message import Message, Position
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.logging import Failure

ATTEMPTS: Final = 3
KILLED: Final = Failure("Killed", "unknown")
"""The process ended, three times, while this message was being done."""


class Stuck(Exception):
    """Nothing of the batch can be done, as far as it was tried: why not the first."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


Attempt = Callable[[Message], Awaitable[None]]
"""Does one message, or raises."""
Aside = tuple[Message, Failure]
"""A message that cannot be done, and why."""
SetAside = Callable[[Sequence[Aside]], Awaitable[None]]
"""Puts them into quarantine."""
Note = Callable[[Mapping[Position, int]], Awaitable[None]]
"""Told how many processes have ended at each message: before an attempt as if this one did, afterwards the truth."""


def is_empty(message: Message) -> bool:
    """Whether it is a tombstone, or a record that does not decode: no version of any step can do it, so it is set aside
    without company, and nothing is lost with it. A bad deployment has no part in that."""
    return not message.value and not message.headers


@dataclass
class Trial:
    """One batch, in order, which may grow. It may be run again after an interruption: what is settled is not done twice."""

    note: Note
    done: Callable[[Sequence[Message]], None]
    """Told of each message that need not be read again."""
    company: Callable[[], bool]
    """Whether the step has done others meanwhile, which came to it another way."""
    ended: dict[Position, int]
    """How many processes have ended while they did a message, as they noted it beforehand."""
    _settled: set[Position] = field(default_factory=set)
    _failed: list[Aside] = field(default_factory=list)
    _empty: set[Position] = field(default_factory=set)
    """Records without content that are set aside: they say nothing about whether the step works."""

    async def run(self, batch: Sequence[Message], attempt: Attempt, set_aside: SetAside) -> None:
        """Returns when every message is done or set aside; `Stuck` if no message could be done."""
        try:
            await self._run(batch, attempt, set_aside)
        except (Exception, asyncio.CancelledError):  # this process has outlived its attempts: they count for nothing
            with suppress(Exception):
                await self.note(self.ended)
            raise

    async def _run(self, batch: Sequence[Message], attempt: Attempt, set_aside: SetAside) -> None:
        if not self._settled:  # else another was done, and setting aside was interrupted
            await self._look_again(attempt)
        if self._settled or self.company():
            await self._settle(set_aside)
        for message in self._untried(batch):
            failure = await self._tried(message, attempt, ATTEMPTS)
            if failure is not None and is_empty(message):
                await set_aside([(message, failure)])
                self._empty.add(message.position)
            elif failure is not None:
                self._failed.append((message, failure))
            else:
                self._settled.add(message.position)
            if self._settled or self.company():
                await self._settle(set_aside)
                self.done([message])
        if self._failed:
            raise Stuck(self._failed[0][1])

    def _untried(self, batch: Sequence[Message]) -> list[Message]:
        known = self._settled | self._empty | {message.position for message, _ in self._failed}
        return [message for message in batch if message.position not in known]

    async def _look_again(self, attempt: Attempt) -> None:
        """Whether what stopped the first has been mended; then the others are tried anew, in order. What kills is not."""
        if self._failed and await self._tried(self._failed[0][0], attempt, 1) is None:
            self._settled.add(self._failed[0][0].position)
            self._failed.clear()

    async def _tried(self, message: Message, attempt: Attempt, times: int) -> Failure | None:
        """None if it was done, else why not."""
        failure = KILLED
        if self.ended.get(message.position, 0) >= ATTEMPTS:
            return failure
        for _ in range(times):
            try:
                async with self._begun(message.position):
                    await attempt(message)
            except (Unavailable, Misconfigured):
                raise
            except Exception as error:  # whatever it is, it is this message's, if others can be done
                failure = Failure.of(error)
            else:
                self.ended.pop(message.position, None)
                return None
        return failure

    @asynccontextmanager
    async def _begun(self, position: Position) -> AsyncIterator[None]:
        """Noted for as long as it lasts: should this process end meanwhile, whoever comes next knows at what."""
        before = self.ended.get(position, 0)
        self.ended[position] = before + 1
        try:
            await self.note(self.ended)
            yield
        finally:
            if before:
                self.ended[position] = before
            else:
                del self.ended[position]

    async def _settle(self, set_aside: SetAside) -> None:
        if self._failed:
            await set_aside(self._failed)
        for message, _ in self._failed:
            self.ended.pop(message.position, None)
            self._settled.add(message.position)
        self._failed.clear()
