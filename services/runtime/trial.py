"""Message by message: how a batch that failed is tried, and the first one after somebody did not leave in order.

A message that cannot be done is set aside after three attempts, but only once the step has done another: a bad deployment
must not empty a topic into quarantine (architecture section 4).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from schemas.message import Message, Position
from services.runtime.errors import Misconfigured, Unavailable

ATTEMPTS: Final = 3


class Stuck(Exception):
    """Nothing of the batch can be done, as far as it was tried; the cause is the first message's failure."""


class Killed(Exception):
    """The process ended, three times, while this message was being done."""


Attempt = Callable[[Message], Awaitable[None]]
"""Does one message, or raises."""
Aside = tuple[Message, Exception, int]
"""A message that cannot be done, why, and after how many attempts."""
SetAside = Callable[[Sequence[Aside]], Awaitable[None]]
"""Puts them into quarantine."""
Note = Callable[[Mapping[Position, int]], Awaitable[None]]
"""Told before each attempt: the attempts so far at everything that is not done yet."""


@dataclass
class Trial:
    """One batch, in order, which may grow. It may be run again after an interruption: what is settled is not done twice."""

    note: Note
    done: Callable[[Sequence[Message]], None]
    """Told of each message that need not be read again."""
    company: Callable[[], bool]
    """Whether the step has done others meanwhile, which came to it another way."""
    attempts: dict[Position, int]
    """What earlier processes have noted."""
    _settled: set[Position] = field(default_factory=set)
    _failed: list[tuple[Message, Exception]] = field(default_factory=list)

    async def run(self, batch: Sequence[Message], attempt: Attempt, set_aside: SetAside) -> None:
        """Returns when every message is done or set aside; `Stuck` if no message could be done."""
        await self._look_again(attempt)
        if self.company():
            await self._settle(set_aside)
        for message in self._untried(batch):
            failure = await self._tried(message, attempt)
            if failure is not None:
                self._failed.append((message, failure))
            else:
                self._settled.add(message.position)
            if self._settled or self.company():
                await self._settle(set_aside)
                self.done([message])
        if self._failed:
            raise Stuck from self._failed[0][1]

    def _untried(self, batch: Sequence[Message]) -> list[Message]:
        known = self._settled | {message.position for message, _ in self._failed}
        return [message for message in batch if message.position not in known]

    async def _look_again(self, attempt: Attempt) -> None:
        """Whether what stopped the first has been mended; then the others are tried anew, in order. What kills is not."""
        if not self._failed or isinstance(self._failed[0][1], Killed):
            return
        first = self._failed[0][0]
        self.attempts[first.position] = ATTEMPTS - 1
        if await self._tried(first, attempt) is None:
            self._settled.add(first.position)
            for message, _ in self._failed:
                self.attempts.pop(message.position, None)
            self._failed.clear()

    async def _tried(self, message: Message, attempt: Attempt) -> Exception | None:
        """None if it was done, else why not."""
        failure: Exception = Killed()
        while self.attempts.get(message.position, 0) < ATTEMPTS:
            self.attempts[message.position] = self.attempts.get(message.position, 0) + 1
            try:
                await self.note(self.attempts)
                await attempt(message)
            except Unavailable:
                self.attempts[message.position] -= 1
                with suppress(Unavailable):  # else a process that ends while it waits counts against it
                    await self.note(self.attempts)
                raise
            except Misconfigured:
                raise
            except Exception as error:  # whatever it is, it is this message's, if others can be done
                failure = error
            else:
                del self.attempts[message.position]
                return None
        return failure

    async def _settle(self, set_aside: SetAside) -> None:
        if self._failed:
            await set_aside([(one, why, self.attempts.get(one.position, ATTEMPTS)) for one, why in self._failed])
        for message, _ in self._failed:
            self.attempts.pop(message.position, None)
            self._settled.add(message.position)
        self._failed.clear()
